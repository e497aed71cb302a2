//! The index against a linear scan over the same subscriptions.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use gannet_subject::{Class, Cursor, Entry, Group, Index, MatchSink, matches};
use proptest::prelude::*;

#[derive(Debug)]
struct Inner {
    id: usize,
    subject: String,
    queue: Option<String>,
    class: Class,
    slot: Cell<u32>,
}

#[derive(Clone, Debug)]
struct Sub(Rc<Inner>);

impl Entry for Sub {
    fn subject(&self) -> &[u8] {
        self.0.subject.as_bytes()
    }
    fn queue(&self) -> Option<&[u8]> {
        self.0.queue.as_deref().map(str::as_bytes)
    }
    fn class(&self) -> Class {
        self.0.class
    }
    fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
    fn slot(&self) -> u32 {
        self.0.slot.get()
    }
    fn set_slot(&self, slot: u32) {
        self.0.slot.set(slot);
    }
}

fn sub(id: usize, subject: &str, queue: Option<&str>, class: Class) -> Sub {
    Sub(Rc::new(Inner {
        id,
        subject: subject.into(),
        queue: queue.map(Into::into),
        class,
        slot: Cell::new(0),
    }))
}

#[derive(Default)]
struct Collect {
    plain: Vec<usize>,
    queues: BTreeMap<String, Vec<usize>>,
}

impl Collect {
    fn add(&mut self, s: &Sub) {
        match &s.0.queue {
            None => self.plain.push(s.0.id),
            Some(q) => self.queues.entry(q.clone()).or_default().push(s.0.id),
        }
    }

    fn sorted(mut self) -> (Vec<usize>, BTreeMap<String, Vec<usize>>) {
        self.plain.sort_unstable();
        self.queues.values_mut().for_each(|q| q.sort_unstable());
        (self.plain, self.queues)
    }
}

impl<'a> MatchSink<'a, Sub> for Collect {
    fn one(&mut self, entry: &'a Sub) {
        self.add(entry);
    }
    fn group(&mut self, group: &'a Group<Sub>) {
        group.plain().iter().for_each(|s| self.add(s));
        for queue in group.queues() {
            assert!(!queue.members().is_empty());
            for member in queue.members() {
                assert_eq!(member.queue(), Some(queue.name()));
                self.add(member);
            }
        }
    }
}

fn lookup(index: &Index<Sub>, subject: &str) -> (Vec<usize>, BTreeMap<String, Vec<usize>>) {
    let mut found = Collect::default();
    index.find(subject.as_bytes(), &mut found);
    found.sorted()
}

fn scan(subs: &[Sub], subject: &str) -> (Vec<usize>, BTreeMap<String, Vec<usize>>) {
    let mut found = Collect::default();
    subs.iter()
        .filter(|s| matches(s.subject(), subject.as_bytes()))
        .for_each(|s| found.add(s));
    found.sorted()
}

#[test]
fn counts_tell_first_and_last_of_a_subject_and_queue() {
    let mut index = Index::new(7);
    let a = sub(1, "foo", None, Class::Local);
    let b = sub(2, "foo", None, Class::Gateway);
    let c = sub(3, "foo", Some("q"), Class::Route);
    assert_eq!(index.insert(a.clone()).in_cluster(), 1);
    let counts = index.insert(b.clone());
    assert_eq!((counts.in_cluster(), counts.of(Class::Gateway)), (1, 1));
    assert_eq!(index.insert(c.clone()).in_cluster(), 1);
    assert_eq!(index.remove(&a).map(|left| left.in_cluster()), Some(0));
    assert_eq!(index.remove(&a), None, "a second removal finds nothing");
    assert_eq!(
        index.remove(&b).map(|left| left.of(Class::Gateway)),
        Some(0)
    );
    assert_eq!(index.remove(&c).map(|left| left.in_cluster()), Some(0));
    assert_eq!(index.stats().entries, 0);
}

#[test]
fn a_group_that_falls_to_one_member_still_answers() {
    let mut index = Index::new(7);
    let subs: Vec<Sub> = (0..40)
        .map(|id| sub(id, "foo.bar", (id % 2 == 1).then_some("q"), Class::Local))
        .collect();
    for s in &subs {
        index.insert(s.clone());
    }
    for (gone, s) in subs.iter().enumerate() {
        assert_eq!(lookup(&index, "foo.bar"), scan(&subs[gone..], "foo.bar"));
        assert!(index.remove(s).is_some());
    }
    assert_eq!(lookup(&index, "foo.bar"), (vec![], BTreeMap::new()));
}

fn token() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[abc]", 1 => Just("*".to_owned()), 1 => Just("a*".to_owned())]
}

fn pattern() -> impl Strategy<Value = String> {
    (prop::collection::vec(token(), 1..5), any::<bool>()).prop_map(|(mut tokens, rest)| {
        if rest {
            tokens.push(">".into());
        }
        tokens.join(".")
    })
}

#[derive(Clone, Debug)]
enum Step {
    Add(String, Option<u8>, u8),
    Remove(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (pattern(), prop::option::of(0u8..3), 0u8..3).prop_map(|(p, q, c)| Step::Add(p, q, c)),
        2 => any::<prop::sample::Index>().prop_map(Step::Remove),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn index_equals_a_linear_scan(
        steps in prop::collection::vec(step(), 1..80),
        subjects in prop::collection::vec("[abc](\\.[abc]){0,5}", 1..20),
        seed in any::<u64>(),
    ) {
        let mut index = Index::new(seed);
        let mut model: Vec<Sub> = Vec::new();
        for (id, step) in steps.into_iter().enumerate() {
            match step {
                Step::Add(pattern, queue, class) => {
                    let class = [Class::Local, Class::Route, Class::Gateway][class as usize];
                    let queue = queue.map(|q| format!("q{q}"));
                    let s = sub(id, &pattern, queue.as_deref(), class);
                    model.push(s.clone());
                    let counts = index.insert(s.clone());
                    let expected = model.iter().filter(|m| {
                        m.subject() == s.subject() && m.queue() == s.queue() && m.class() == class
                    }).count();
                    prop_assert_eq!(counts.of(class) as usize, expected);
                }
                Step::Remove(at) if !model.is_empty() => {
                    let s = model.swap_remove(at.index(model.len()));
                    let left = index.remove(&s).expect("it was there");
                    let expected = model.iter().filter(|m| {
                        m.subject() == s.subject() && m.queue() == s.queue() && m.class() == s.class()
                    }).count();
                    prop_assert_eq!(left.of(s.class()) as usize, expected);
                }
                Step::Remove(_) => {}
            }
            for subject in &subjects {
                prop_assert_eq!(lookup(&index, subject), scan(&model, subject));
            }
        }
        let mut seen = 0;
        index.for_each(|_| seen += 1);
        prop_assert_eq!(seen, model.len());
        prop_assert_eq!(index.stats().entries as usize, model.len());
    }
}

#[test]
fn a_visit_in_parts_meets_everything_that_stays_while_the_rest_changes() {
    let mut index = Index::new(5);
    let name = |id: usize| match id % 10 {
        0 => format!("s.*.{id}"),
        _ => format!("s.{id}"),
    };
    // Enough that the literals are spread over many tables, and later gathered in smaller ones.
    let all: Vec<Sub> = (0..40_000)
        .map(|id| sub(id, &name(id), None, Class::Local))
        .collect();
    for entry in &all {
        index.insert(entry.clone());
    }
    let (stay, go) = all.split_at(20_000);
    let mut go = go.to_vec();
    let mut met = std::collections::BTreeSet::new();
    let mut cursor = Some(Cursor::default());
    let mut parts = 0;
    while let Some(at) = cursor {
        cursor = index.visit_some(at, 1000, |subject, queue, counts| {
            assert_eq!((queue, counts.of(Class::Local)), (None, 1));
            met.insert(String::from_utf8_lossy(subject).into_owned());
        });
        parts += 1;
        for entry in go.drain(go.len().saturating_sub(700)..) {
            assert!(index.remove(&entry).is_some());
        }
        index.insert(sub(
            100_000 + parts,
            &name(100_000 + parts),
            None,
            Class::Local,
        ));
    }
    assert!(parts > 40, "{parts} parts");
    for entry in stay {
        assert!(met.contains(&name(entry.0.id)), "{}", name(entry.0.id));
        assert!(index.remove(entry).is_some());
    }
    assert_eq!(index.stats().entries as usize, parts + go.len());
}
