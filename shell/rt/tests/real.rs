//! What only the real world has: signals, panics that stay in their task, many runtimes.

mod common;

use std::process::Command;
use std::time::Duration;

use common::in_the_real_world;
use gannet_rt::signal::{Signal, Signals};
use gannet_rt::{Joined, Runtime};

#[test]
fn a_signal_arrives_by_its_name() {
    in_the_real_world(async |place| {
        let mut signals = Signals::catch(&place.server).expect("catches");
        for (name, want) in [
            ("-USR1", Signal::User1),
            ("-HUP", Signal::Hangup),
            ("-USR2", Signal::User2),
            ("-TERM", Signal::Terminate),
            ("-INT", Signal::Interrupt),
        ] {
            let pid = std::process::id().to_string();
            assert!(
                Command::new("kill")
                    .args([name, &pid])
                    .status()
                    .expect("runs")
                    .success()
            );
            assert_eq!(signals.next().await, want);
        }
    });
}

#[test]
fn a_panic_ends_its_task_and_nothing_else() {
    in_the_real_world(async |place| {
        let mut task = place.server.spawn(async { panic!("on purpose") });
        assert_eq!(task.join().await, Joined::Panicked);
        let blocking = place.server.clone();
        let mut task = place.server.spawn(async move {
            blocking.run_blocking(|| panic!("on purpose")).await;
        });
        assert_eq!(task.join().await, Joined::Panicked);
    });
}

#[test]
fn runtimes_in_one_process_have_their_own_clocks() {
    let (first, second) = (Runtime::new(Some(1)), Runtime::new(Some(1)));
    let (first, second) = (first.expect("starts"), second.expect("starts"));
    let older = first.rt().now();
    assert!(second.rt().now() < older + Duration::from_secs(60));
    assert!(first.rt().now() >= older);
    first.shutdown(Duration::from_secs(1));
    assert_eq!(second.block_on(async { 5 }), 5);
}

#[test]
fn a_runtime_going_down_ends_its_tasks() {
    let runtime = Runtime::new(Some(1)).expect("starts");
    let mut task = runtime.rt().spawn(std::future::pending());
    runtime.shutdown(Duration::from_secs(1));
    let other = Runtime::new(Some(1)).expect("starts");
    assert_eq!(other.block_on(task.join()), Joined::Aborted);
}
