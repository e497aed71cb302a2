//! Completions and manual pages, used as shells and `man` use them.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::harness::Place;

/// Runs a program, if this machine has it.
fn run(program: &str, args: &[&str], input: &str) -> Option<Output> {
    let child = Command::new(program)
        .args(args)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        // Past the test's own output, which nobody sees if it passes.
        let _ = writeln!(std::io::stderr(), "NOT TESTED: {program} is missing");
        return None;
    };
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    Some(child.wait_with_output().expect("it ends"))
}

/// What bash offers for the last of these words.
fn offered(script: &str, words: &[&str]) -> Vec<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let last = words.len() - 1;
    // As `complete -F` calls it: the command, the word, the one before. (What `compopt` does is for the eye.)
    let asking = format!(
        "{script}\ncompopt() {{ :; }}\nCOMP_WORDS=({})\nCOMP_CWORD={last}\nfunction=$(complete -p {} | sed 's/.*-F \\([^ ]*\\) .*/\\1/')\n\
         $function {} {} {}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        quoted.join(" "),
        words[0],
        quoted[0],
        quoted[last],
        quoted[last - 1],
    );
    let Some(output) = run("bash", &["--norc", "-s"], &asking) else {
        return Vec::new();
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "{errors}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_the_command_line() {
    let place = Place::new("gannet");
    let (code, script, _) = place.run(&["completions", "bash"]);
    assert_eq!(code, Some(0));
    let config = place.path("server-a.conf").display().to_string();
    place.write("server-a.conf", "");
    let prefix = config.trim_end_matches("-a.conf");
    for (words, wanted) in [
        (
            &["gannet", "--cluster_"][..],
            &["--cluster_name", "--cluster_advertise"][..],
        ),
        (&["gannet", "con"], &["config"]),
        (&["gannet", "config", "ex"], &["explain"]),
        (&["gannet", "completions", "f"], &["fish"]),
        (&["gannet", "--signal", "re"], &["reopen", "reload"]),
        (&["gannet", "-c", prefix], &[&config]),
        (&["gannet", "dev", "--cl"], &["--clusters"]),
    ] {
        assert_eq!(offered(&script, words), wanted, "{words:?}");
    }
    let (_, link, _) = place.run(&["completions", "bash", "--nats-server"]);
    assert_eq!(offered(&link, &["nats-server", "--dry"]), ["--dry-run"]);
    assert_eq!(offered(&link, &["nats-server", "con"]), [""]);
}

/// Shells that would read the others' scripts are rarely all there: those that are find no fault with theirs.
#[test]
fn shells_understand_what_they_are_given() {
    let place = Place::new("gannet");
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let (code, script, _) = place.run(&["completions", shell]);
        assert_eq!(code, Some(0), "{shell}");
        if let Some(output) = run(shell, &[check], &script) {
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && told.is_empty(),
                "{shell}: {told}"
            );
        }
    }
}

#[test]
fn man_shows_every_page_without_a_complaint() {
    let place = Place::new("gannet");
    std::fs::create_dir(place.path("pages")).expect("a folder");
    let (code, out, err) = place.run(&["man", "pages"]);
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "", ""));
    let (_, page, _) = place.run(&["man"]);
    assert_eq!(page.trim_end(), place.read("pages/gannet.1").trim_end());
    let pages = std::fs::read_dir(place.path("pages")).expect("a folder");
    let mut count = 0;
    for entry in pages {
        let path = entry.expect("an entry").path().display().to_string();
        count += 1;
        let warnings = ["--warnings", "-E", "UTF-8", "-l", "-Tutf8", &path];
        for (program, args) in [
            ("man", &warnings[..]),
            ("mandoc", &["-Tlint", "-Wwarning", &path]),
        ] {
            if let Some(output) = run(program, args, "") {
                let told = String::from_utf8_lossy(&output.stderr);
                assert!(
                    output.status.success() && told.is_empty(),
                    "{program} {path}: {told}"
                );
            }
        }
    }
    assert_eq!(count, 8);
    let (code, _, told) = place.run(&["man", "none"]);
    assert_eq!(
        (code, told.as_str()),
        (
            Some(1),
            "gannet: open none/gannet.1: no such file or directory\n"
        )
    );
}

/// If this fails because flags have changed: run `packaging/generate.sh`.
#[test]
fn what_is_delivered_is_what_the_program_says_of_itself() {
    let place = Place::new("gannet");
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging");
    let delivered = |file: &str| {
        let path = packaging.join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
    };
    for (file, args) in [
        ("completions/gannet.bash", &["completions", "bash"][..]),
        ("completions/_gannet", &["completions", "zsh"]),
        ("completions/gannet.fish", &["completions", "fish"]),
        (
            "completions/nats-server.bash",
            &["completions", "bash", "--nats-server"],
        ),
        (
            "completions/_nats-server",
            &["completions", "zsh", "--nats-server"],
        ),
        (
            "completions/nats-server.fish",
            &["completions", "fish", "--nats-server"],
        ),
    ] {
        assert!(
            place.run(args).1 == delivered(file),
            "{file} is out of date"
        );
    }
    std::fs::create_dir(place.path("pages")).expect("a folder");
    place.run(&["man", "pages"]);
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(place.path("pages")).expect("a folder") {
        let name = entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned();
        let current = place.read(&format!("pages/{name}"));
        assert!(
            current == delivered(&format!("man/{name}")),
            "man/{name} is out of date"
        );
        names.push(name);
    }
    let there = std::fs::read_dir(packaging.join("man"))
        .expect("a folder")
        .count();
    assert_eq!(there, names.len(), "{names:?}");
}
