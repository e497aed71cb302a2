//! The log file as its reader finds it.

use std::sync::Arc;

use gannet_config::{LogFormat, LoggingOptions};
use gannet_node::Form;
use gannet_rt::Runtime;
use gannet_rt::sim::Sim;

use super::*;

/// Writes a line of process 1 without the time.
fn write(log: &LogFile, text: &str) {
    write_as(log, LogFormat::Text, text);
}

fn write_as(log: &LogFile, format: LogFormat, text: &str) {
    let options = LoggingOptions {
        format,
        time: false,
        ..LoggingOptions::default()
    };
    let form = Arc::new(Form::new(&Sim::new(1).host("a").rt(), &options));
    log.write_line(&form.line(Level::Info, format_args!("{text}")));
}

struct Fixture {
    dir: tempfile::TempDir,
    runtime: Runtime,
}

impl Fixture {
    fn new() -> Fixture {
        let dir = tempfile::tempdir().expect("a temporary folder");
        Fixture {
            dir,
            runtime: Runtime::new(Some(1)).expect("a runtime"),
        }
    }

    fn open(&self, limit: Option<u64>, keep: Option<u64>) -> LogFile {
        let path = self.dir.path().join("g.log");
        LogFile::open(
            &self.runtime.rt(),
            path.to_str().expect("UTF-8"),
            limit,
            keep,
        )
        .expect("opens")
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).expect("readable")
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).expect("writable");
    }

    /// The files of the folder but for the log itself.
    fn others(&self) -> Vec<String> {
        let files = fs::list_files(&self.runtime.rt(), self.dir.path()).expect("a folder");
        let names = files.iter().map(|f| {
            f.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        });
        names.filter(|name| name != "g.log").collect()
    }
}

#[test]
fn lines_are_added_to_what_is_there() {
    let fixture = Fixture::new();
    fixture.write("g.log", "old\n");
    let log = fixture.open(None, None);
    write(&log, "a");
    write(&log, "b");
    assert_eq!(fixture.read("g.log"), "old\n[1] [INF] a\n[1] [INF] b\n");
}

#[test]
fn a_file_beyond_its_limit_is_renamed_and_a_new_one_begins_with_its_name() {
    let fixture = Fixture::new();
    let log = fixture.open(Some(18), None);
    write(&log, "12345678");
    let others = fixture.others();
    let [backup] = others.as_slice() else {
        panic!("one backup, not {others:?}")
    };
    assert_eq!(fixture.read(backup), "[1] [INF] 12345678\n");
    let path = fixture.dir.path().join(backup);
    let want = format!(
        "[1] [INF] Rotated log, backup saved as \"{}\"\r\n",
        path.display()
    );
    assert_eq!(fixture.read("g.log"), want);
    let stamp = backup
        .strip_prefix("g.log.")
        .expect("the log's name in front");
    let lengths: Vec<usize> = stamp.split('.').map(str::len).collect();
    assert_eq!(lengths, [4, 2, 2, 2, 2, 2, 9]);
}

#[test]
fn a_file_of_just_its_limit_stays() {
    let fixture = Fixture::new();
    let log = fixture.open(Some(12), None);
    write(&log, "a");
    assert_eq!((fixture.others(), log.is_too_large()), (vec![], false));
}

#[test]
fn of_renamed_files_the_newest_are_kept_and_others_are_left_alone() {
    let fixture = Fixture::new();
    let old = [
        "g.log.2001.01.01.00.00.00.000000001",
        "g.log.2001.01.01.00.00.00.000000002",
    ];
    let not_ours = [
        "g.log.bak",
        "g.log.2001.13.01.00.00.00.000000001",
        "h.log.2001.01.01.00.00.00.1",
    ];
    for name in old.iter().chain(&not_ours) {
        fixture.write(name, "");
    }
    let log = fixture.open(Some(5), Some(2));
    write(&log, "a");
    let others = fixture.others();
    assert!(
        old.iter()
            .all(|name| !others.contains(&(*name).to_string())),
        "{others:?}"
    );
    assert!(
        not_ours
            .iter()
            .all(|name| others.contains(&(*name).to_string())),
        "{others:?}"
    );
    assert_eq!(others.len(), not_ours.len() + 1);
    let told = fixture.read("g.log");
    let lines: Vec<&str> = told.split_terminator("\r\n").skip(1).collect();
    let want = old.map(|name| format!("[1] [INF] Purged log file \"{name}\""));
    assert_eq!(lines, want);
}

#[test]
fn after_reopening_lines_go_to_the_new_file_of_that_name() {
    let fixture = Fixture::new();
    let log = fixture.open(None, None);
    write(&log, "a");
    let moved = fixture.dir.path().join("moved");
    std::fs::rename(fixture.dir.path().join("g.log"), moved).expect("renamed");
    write(&log, "b");
    log.reopen().expect("opens");
    write(&log, "c");
    assert_eq!(
        (
            fixture.read("moved").as_str(),
            fixture.read("g.log").as_str()
        ),
        ("[1] [INF] a\n[1] [INF] b\n", "[1] [INF] c\n")
    );
}

#[test]
fn a_log_whose_folder_is_gone_goes_on_in_the_old_file() {
    let fixture = Fixture::new();
    let sub = fixture.dir.path().join("sub");
    std::fs::create_dir(&sub).expect("a folder");
    let path = sub.join("g.log");
    let log = LogFile::open(
        &fixture.runtime.rt(),
        path.to_str().expect("UTF-8"),
        Some(5),
        None,
    )
    .expect("opens");
    let moved = fixture.dir.path().join("elsewhere");
    std::fs::rename(&sub, &moved).expect("renamed");
    write(&log, "a");
    let want = "[1] [INF] a\n[1] [ERR] Unable to rotate logfile (no such file or directory), \
                will attempt next rotation at size 10\r\n";
    assert_eq!(fixture.read("elsewhere/g.log"), want);
}

#[test]
fn a_file_that_cannot_be_opened_is_the_reference_servers_error() {
    let fixture = Fixture::new();
    let path = fixture.dir.path().join("none/g.log");
    let path = path.to_str().expect("UTF-8");
    let error = LogFile::open(&fixture.runtime.rt(), path, None, None).err();
    assert_eq!(
        error,
        Some(format!("open {path}: no such file or directory"))
    );
}

#[test]
fn what_is_said_about_a_file_of_objects_is_an_object_too() {
    let fixture = Fixture::new();
    let log = fixture.open(Some(20), None);
    write_as(&log, LogFormat::Json, "a");
    let path = fixture.dir.path().join(&fixture.others()[0]);
    let text = format!("Rotated log, backup saved as \"{}\"", path.display());
    let object: serde_json::Value =
        serde_json::from_str(&fixture.read("g.log")).expect("an object");
    let wanted = serde_json::json!({
        "level": "info", "pid": 1, "subsystem": "server", "text": text,
    });
    assert_eq!(object, wanted);
}
