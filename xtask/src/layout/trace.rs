//! Reads what callgrind writes: which functions of one program ran, and how much each did itself.

use std::collections::BTreeMap;

/// The functions of `program` that ran in any of the processes that `texts` are about, by their symbols, the busiest
/// first.
pub(super) fn functions(texts: &[String], program: &str) -> Vec<String> {
    let mut costs = BTreeMap::new();
    for text in texts {
        let mut reader = Reader {
            program,
            costs: std::mem::take(&mut costs),
            ..Reader::default()
        };
        for line in text.lines() {
            reader.line(line);
        }
        costs = reader.costs;
    }
    let mut functions: Vec<(String, u64)> = costs.into_iter().collect();
    functions.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    functions.into_iter().map(|(name, _)| name).collect()
}

#[derive(Default)]
struct Reader<'a> {
    program: &'a str,
    /// Names are written once and then referred to by their numbers.
    objects: BTreeMap<&'a str, &'a str>,
    names: BTreeMap<&'a str, &'a str>,
    in_program: bool,
    function: Option<&'a str>,
    /// The next line of costs is those of the function called.
    is_call: bool,
    costs: BTreeMap<String, u64>,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) {
        match line.split_once('=') {
            Some(("ob", object)) => {
                self.in_program = resolve(&mut self.objects, object) == self.program;
            }
            Some(("cob", object)) => _ = resolve(&mut self.objects, object),
            Some(("cfn", name)) => _ = resolve(&mut self.names, name),
            Some(("fn", name)) => {
                let name = resolve(&mut self.names, name);
                // Recursion is told apart by numbers.
                let name = name.split('\'').next().unwrap_or(name);
                // Code without a name is called by its address, or `(below main)`.
                let is_symbol = name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
                self.function = (self.in_program && is_symbol).then_some(name);
            }
            Some(("calls", _)) => self.is_call = true,
            Some(_) => {}
            None if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) => {
                let own = !std::mem::take(&mut self.is_call);
                let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok());
                if let (true, Some(name), Some(cost)) = (own, self.function, cost) {
                    *self.costs.entry(name.to_owned()).or_insert(0) += u64::max(cost, 1);
                }
            }
            None => {}
        }
    }
}

/// The name meant by `(number) name` or, from the second time on, `(number)`.
fn resolve<'a>(known: &mut BTreeMap<&'a str, &'a str>, text: &'a str) -> &'a str {
    match text.split_once(' ') {
        Some((number, name)) => {
            known.insert(number, name);
            name
        }
        None => known.get(text).copied().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_the_program_come_by_what_they_did_themselves() {
        let text = "\
events: Ir
ob=(1) /bin/gannet
fl=(1) a.rs
fn=(1) _ZN5start
10 3
cob=(2) /lib/libc.so
cfn=(2) write
calls=1 5
11 900
+1 2
ob=(2)
fn=(2)
5 900
ob=(1)
fn=(3) _ZN4busy'2
* 40
fn=(4) 0x000000000090a450
10 5
fn=(5) (below main)
11 5
fn=(1)
1 1
";
        let texts = [text.to_owned()];
        assert_eq!(functions(&texts, "/bin/gannet"), ["_ZN4busy", "_ZN5start"]);
        assert_eq!(functions(&texts, "/lib/libc.so"), ["write"]);
        assert_eq!(functions(&texts, "/bin/other"), Vec::<String>::new());
    }

    #[test]
    fn functions_of_several_processes_are_put_together() {
        let one = "ob=(1) /bin/gannet\nfn=(1) _ZN3one\n1 5\nfn=(2) _ZN4both\n1 3\n";
        let other = "ob=(1) /bin/gannet\nfn=(1) _ZN4both\n1 3\nfn=(2) _ZN5other\n1 1\n";
        let texts = [one.to_owned(), other.to_owned()];
        let found = functions(&texts, "/bin/gannet");
        assert_eq!(found, ["_ZN4both", "_ZN3one", "_ZN5other"]);
    }
}
