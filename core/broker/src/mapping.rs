//! An account's mappings: which subject a message goes to instead of the one it was published on. Not here: when
//! messages are mapped (only those of clients and of services, each once), and what makes a mapping valid
//! (`gannet_config`).

use alloc::boxed::Box;
use alloc::vec::Vec;

use gannet_config::{Mapping, MappingFault};
use gannet_subject::{Transform, has_wildcard, takes};
use hashbrown::HashMap;

/// All of the messages, in percent.
const ALL: u32 = 100;

/// What becomes of a message's subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// It stays as it is.
    Unchanged,
    /// Nobody gets the message: its share was left out, or what it became is no subject.
    Lost,
    /// It is another one, which was put into `out`.
    To,
}

/// The answer for one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// What becomes of the subject.
    pub mapped: Mapped,
    /// Whether the same becomes of every message on that subject, so that it may be remembered.
    pub is_fixed: bool,
}

impl Chosen {
    fn always(mapped: Mapped) -> Chosen {
        Chosen {
            mapped,
            is_fixed: true,
        }
    }
}

/// The mappings of one account, as they are on this server.
#[derive(Debug, Default)]
pub struct Mappings {
    rules: Box<[Rule]>,
    /// The rules of literal subjects, since an account may have very many of them.
    literals: HashMap<Box<[u8]>, usize, foldhash::fast::FixedState>,
    /// The others, in the order of the list.
    patterns: Box<[usize]>,
}

impl Mappings {
    /// Mappings in the order in which they apply, on a server of that cluster.
    pub fn new(mappings: &[Mapping], cluster: Option<&str>) -> Result<Mappings, MappingFault> {
        let rules = mappings.iter().map(|mapping| Rule::new(mapping, cluster));
        let rules: Box<[Rule]> = rules.collect::<Result<_, _>>()?;
        let is_pattern = |at: &usize| has_wildcard(&rules[*at].source);
        let (patterns, literals): (Vec<usize>, Vec<usize>) = (0..rules.len()).partition(is_pattern);
        // Of two for the same subject the first one counts.
        let literals = literals
            .into_iter()
            .rev()
            .map(|at| (rules[at].source.clone(), at));
        Ok(Mappings {
            literals: literals.collect(),
            patterns: patterns.into(),
            rules,
        })
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Decides about one message. `random` draws a number below its argument. What is in `out` is replaced, and is
    /// of no meaning unless the answer is [`Mapped::To`].
    #[inline]
    pub fn choose(
        &self,
        subject: &[u8],
        random: &mut impl FnMut(u32) -> u32,
        out: &mut Vec<u8>,
    ) -> Chosen {
        if self.is_empty() {
            return Chosen::always(Mapped::Unchanged);
        }
        match self.first(subject) {
            None => Chosen::always(Mapped::Unchanged),
            Some(rule) => {
                let mapped = rule.choose(subject, random, out);
                let is_fixed = rule.is_fixed;
                Chosen { mapped, is_fixed }
            }
        }
    }

    /// The first rule of the list that the subject falls under.
    fn first(&self, subject: &[u8]) -> Option<&Rule> {
        let literal = self.literals.get(subject).copied();
        let before = literal.unwrap_or(self.rules.len());
        let earlier = self.patterns.iter().copied().take_while(|at| *at < before);
        let pattern = earlier
            .into_iter()
            .find(|at| takes(&self.rules[*at].source, subject));
        pattern.or(literal).map(|at| &self.rules[at])
    }
}

/// One mapping, on this server.
#[derive(Debug)]
struct Rule {
    source: Box<[u8]>,
    shares: Box<[Share]>,
    /// What becomes of messages that no share speaks of.
    rest: Mapped,
    is_fixed: bool,
}

/// A part of the messages: those whose number is below `end`, and not below the end of the share before.
#[derive(Debug)]
struct Share {
    end: u32,
    to: Transform,
}

impl Rule {
    fn new(mapping: &Mapping, cluster: Option<&str>) -> Result<Rule, MappingFault> {
        mapping.check()?;
        let mut end = 0;
        let mut shares = Vec::new();
        for destination in mapping.destinations_in(cluster) {
            if destination.weight > 0 {
                end += u32::from(destination.weight);
                let to = Transform::mapping(&mapping.source, &destination.subject)?;
                shares.push(Share { end, to });
            }
        }
        let is_one = match shares.as_slice() {
            [] => true,
            [share] => share.end >= ALL && !share.to.is_random(),
            _ => false,
        };
        Ok(Rule {
            source: mapping.source.as_bytes().into(),
            shares: shares.into(),
            rest: match mapping.lists_source() {
                true => Mapped::Lost,
                false => Mapped::Unchanged,
            },
            is_fixed: is_one,
        })
    }

    fn choose(
        &self,
        subject: &[u8],
        random: &mut impl FnMut(u32) -> u32,
        out: &mut Vec<u8>,
    ) -> Mapped {
        let share = match self.shares.as_ref() {
            [share] if share.end >= ALL => Some(share),
            [] => None,
            shares => {
                let number = random(ALL);
                shares.iter().find(|share| number < share.end)
            }
        };
        let Some(share) = share else {
            return self.rest;
        };
        out.clear();
        // Functions can leave nothing of a token; nobody can have subscribed to what then comes out.
        if share.to.apply(subject, random, out) && out.split(|b| *b == b'.').all(|t| !t.is_empty())
        {
            Mapped::To
        } else {
            Mapped::Lost
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;
    use alloc::format;
    use alloc::string::{String, ToString};
    use alloc::vec;

    use gannet_config::Destination;
    use gannet_subject::matches;
    use proptest::prelude::*;

    use super::*;

    type Destinations<'a> = &'a [(&'a str, u8, &'a str)];

    fn mapping(source: &str, destinations: Destinations<'_>) -> Mapping {
        let destination = |(subject, weight, cluster): &(&str, u8, &str)| Destination {
            subject: subject.to_string(),
            weight: *weight,
            cluster: Some(cluster.to_string()).filter(|cluster| !cluster.is_empty()),
        };
        Mapping {
            source: source.to_owned(),
            destinations: destinations.iter().map(destination).collect(),
        }
    }

    fn mappings(list: &[(&str, Destinations<'_>)], cluster: Option<&str>) -> Mappings {
        let list: Vec<Mapping> = list
            .iter()
            .map(|(source, to)| mapping(source, to))
            .collect();
        Mappings::new(&list, cluster).expect("mappings")
    }

    fn text(mapped: Mapped, out: &[u8]) -> String {
        match mapped {
            Mapped::Unchanged => "unchanged".to_owned(),
            Mapped::Lost => "lost".to_owned(),
            Mapped::To => String::from_utf8_lossy(out).into_owned(),
        }
    }

    /// What becomes of a subject whose mapping leaves nothing to chance.
    fn fixed(mappings: &Mappings, subject: &str) -> String {
        let mut out = b"from before".to_vec();
        let mut random = |_| panic!("{subject} is left to chance");
        let chosen = mappings.choose(subject.as_bytes(), &mut random, &mut out);
        assert!(chosen.is_fixed, "{subject} may be remembered");
        text(chosen.mapped, &out)
    }

    /// How often of a hundred messages, each with another number, each thing happens; in the order of names.
    fn counted(mappings: &Mappings, subject: &str) -> Vec<(String, u32)> {
        let mut counts = alloc::collections::BTreeMap::new();
        for number in 0..100 {
            let mut out = Vec::new();
            let chosen = mappings.choose(subject.as_bytes(), &mut |_| number, &mut out);
            assert!(!chosen.is_fixed, "{subject}");
            *counts.entry(text(chosen.mapped, &out)).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    #[test]
    fn the_first_mapping_of_the_list_applies_and_no_other() {
        let list = mappings(
            &[
                ("foo", &[("bar", 100, "")]),
                ("bar", &[("baz", 100, "")]),
                ("a.*", &[("x.$1", 100, "")]),
                ("a.b", &[("never", 100, "")]),
                ("c.d", &[("first", 100, "")]),
                ("c.>", &[("second.>", 100, "")]),
                ("foo", &[("never", 100, "")]),
            ],
            None,
        );
        for (subject, want) in [
            ("foo", "bar"),
            ("bar", "baz"),
            ("a.b", "x.b"),
            ("c.d", "first"),
            ("c.e.f", "second.e.f"),
            ("a", "unchanged"),
            ("a.b.c", "unchanged"),
            ("a.", "unchanged"),
            ("", "unchanged"),
        ] {
            assert_eq!(fixed(&list, subject), want, "{subject}");
        }
        assert_eq!(fixed(&Mappings::default(), "foo"), "unchanged");
    }

    #[test]
    fn shares_are_of_a_hundred_and_the_source_gets_the_rest() {
        let list = mappings(
            &[
                ("foo", &[("bar", 20, ""), ("baz", 30, "")]),
                ("lossy", &[("lossy", 40, ""), ("other", 10, "")]),
                ("a.*", &[("b.$1", 99, ""), ("c.$1", 1, "")]),
                ("half", &[("whole", 50, "")]),
                ("all.>", &[("all.>", 25, "")]),
            ],
            None,
        );
        let want: [(&str, &[(&str, u32)]); 5] = [
            ("foo", &[("bar", 20), ("baz", 30), ("unchanged", 50)]),
            ("lossy", &[("lossy", 40), ("lost", 50), ("other", 10)]),
            ("a.x", &[("b.x", 99), ("c.x", 1)]),
            ("half", &[("unchanged", 50), ("whole", 50)]),
            ("all.x", &[("all.x", 25), ("lost", 75)]),
        ];
        for (subject, want) in want {
            let want: Vec<(String, u32)> =
                want.iter().map(|(to, n)| (to.to_string(), *n)).collect();
            assert_eq!(counted(&list, subject), want, "{subject}");
        }
    }

    #[test]
    fn what_has_one_outcome_is_not_left_to_chance() {
        let list = mappings(
            &[
                ("none", &[]),
                ("nothing", &[("bar", 0, "")]),
                ("drop", &[("drop", 0, "")]),
                ("all", &[("bar", 100, ""), ("baz", 0, "")]),
                ("part.*", &[("part.{{partition(4,1)}}", 100, "")]),
            ],
            None,
        );
        assert_eq!(fixed(&list, "none"), "unchanged");
        assert_eq!(fixed(&list, "nothing"), "unchanged");
        assert_eq!(fixed(&list, "drop"), "lost");
        assert_eq!(fixed(&list, "all"), "bar");
        assert!(fixed(&list, "part.x").starts_with("part."));
        let random = mappings(&[("foo", &[("bar.{{random(100)}}", 100, "")])], None);
        assert_eq!(counted(&random, "foo").len(), 100);
    }

    #[test]
    fn a_cluster_has_its_own_shares() {
        let list: &[(&str, Destinations)] = &[
            (
                "foo",
                &[("bar", 100, ""), ("baz", 100, "east"), ("half", 50, "west")],
            ),
            ("only", &[("there", 100, "east")]),
            ("gone", &[("gone", 100, "east")]),
        ];
        let none = mappings(list, None);
        assert_eq!(fixed(&none, "foo"), "bar");
        assert_eq!(fixed(&none, "only"), "unchanged");
        assert_eq!(fixed(&none, "gone"), "lost");
        let east = mappings(list, Some("east"));
        assert_eq!(fixed(&east, "foo"), "baz");
        assert_eq!(fixed(&east, "only"), "there");
        assert_eq!(fixed(&east, "gone"), "gone");
        let west = counted(&mappings(list, Some("west")), "foo");
        assert_eq!(
            west,
            vec![("half".to_owned(), 50), ("unchanged".to_owned(), 50)]
        );
    }

    #[test]
    fn what_becomes_no_subject_is_lost() {
        let list = mappings(&[("foo.*", &[("bar.{{split(1,-)}}", 100, "")])], None);
        assert_eq!(fixed(&list, "foo.a-b"), "bar.a.b");
        assert_eq!(fixed(&list, "foo.--"), "lost");
    }

    #[test]
    fn a_broken_mapping_is_refused() {
        let broken = [
            mapping("foo", &[("bar", 100, "")]),
            mapping("foo.*", &[("$2", 100, "")]),
        ];
        let fault = Mappings::new(&broken, None).expect_err("no such wildcard");
        assert_eq!(
            fault.to_string(),
            "invalid mapping destination: wildcard index out of range in $2: [2]"
        );
    }

    proptest! {
        #[test]
        fn the_list_is_searched_from_its_beginning(
            sources in prop::collection::vec("[ab*](\\.[ab*]){0,2}(\\.>)?", 0..12),
            subject in "[ab](\\.[ab]){0,3}",
        ) {
            let to = |(at, source): (usize, &String)| {
                let open = if source.ends_with('>') { ".>" } else { "" };
                mapping(source, &[(&format!("to{at}{open}"), 100, "")])
            };
            let list: Vec<Mapping> = sources.iter().enumerate().map(to).collect();
            let list = Mappings::new(&list, None).expect("mappings");
            let first = sources.iter().position(|s| matches(s.as_bytes(), subject.as_bytes()));
            let have = fixed(&list, &subject);
            match first {
                None => prop_assert_eq!(have, "unchanged"),
                Some(at) => {
                    let to = format!("to{at}");
                    prop_assert_eq!(have.split('.').next(), Some(to.as_str()));
                }
            }
        }

        #[test]
        fn every_number_has_the_share_that_it_falls_into(
            weights in prop::collection::vec(0..40u8, 0..5),
            lists_source in any::<bool>(),
            number in 0..100u32,
        ) {
            let total: u32 = weights.iter().copied().map(u32::from).sum();
            prop_assume!(total <= 100);
            let subjects: Vec<String> = (0..weights.len())
                .map(|at| if at == 0 && lists_source { "foo".to_owned() } else { format!("to{at}") })
                .collect();
            let destinations: Vec<(&str, u8, &str)> =
                subjects.iter().zip(&weights).map(|(to, weight)| (to.as_str(), *weight, "")).collect();
            let list = mappings(&[("foo", &destinations)], None);
            let mut out = Vec::new();
            let chosen = list.choose(b"foo", &mut |_| number, &mut out);
            let mut end = 0;
            let share = weights.iter().position(|weight| {
                end += u32::from(*weight);
                number < end
            });
            let want = match share {
                Some(at) => subjects[at].as_str(),
                None if lists_source && !weights.is_empty() => "lost",
                None => "unchanged",
            };
            prop_assert_eq!(text(chosen.mapped, &out), want);
        }
    }
}
