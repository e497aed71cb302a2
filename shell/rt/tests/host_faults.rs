//! What happens to hosts: deaths, freezes, clocks; and how a world stops.

mod common;

use std::future::pending;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::faults::*;
use common::*;
use gannet_rt::future::{Either, race, yield_now};
use gannet_rt::sim::{HostUsage, Sim, SimHost, Stopped};
use gannet_rt::{Elapsed, Joined, fs};
use gannet_units::Moment;

#[test]
fn a_crash_drops_tasks_resets_peers_and_leaves_nothing() {
    worlds(async |world| {
        let listener = world.listen().await;
        let old = world.b.rt();
        let mut server = old.spawn(echo_server(old.clone(), listener));
        let a = world.a.rt().connect(world.addr()).await.expect("connects");
        write_all(&a, b"hi").await.expect("writes");
        assert_eq!(read_n(&a, 2).await.expect("reads"), b"hi");
        old.spawn(async { pending::<()>().await });
        let sleeper = old.clone();
        old.spawn(async move { sleeper.sleep(SECOND).await });
        yield_now().await;
        fs::write(&old, "/etc/b.conf", "x").expect("writes");

        world.b.crash();
        assert_eq!(world.b.usage(), HostUsage::default());
        assert_eq!(server.join().await, Joined::Aborted);
        assert_eq!(
            kind(read(&a, &mut [0; 8]).await),
            Some(ErrorKind::ConnectionReset)
        );
        let failed = world.a.rt().connect(world.addr()).await;
        assert_eq!(kind(failed), Some(ErrorKind::ConnectionRefused));

        // The dead process's door opens to nothing; the new one's does, and the disk is still there.
        assert_eq!(old.spawn(async {}).join().await, Joined::Aborted);
        assert_eq!(
            kind(old.listen(world.addr()).await),
            Some(ErrorKind::NotConnected)
        );
        assert_eq!(
            kind(old.connect(world.addr()).await),
            Some(ErrorKind::NotConnected)
        );
        assert_eq!(fs::read(&world.b.rt(), "/etc/b.conf").expect("reads"), b"x");
        let listener = world.listen().await;
        world.a.rt().connect(world.addr()).await.expect("connects");
        listener.accept().await.expect("accepts");
    });
}

#[test]
fn a_killed_process_s_written_bytes_still_arrive() {
    worlds(async |world| {
        let listener = world.listen().await;
        world.b.rt().spawn(async move {
            let (stream, _) = listener.accept().await.expect("accepts");
            write_all(&stream, b"written").await.expect("writes");
            pending::<()>().await;
        });
        let a = world.a.rt().connect(world.addr()).await.expect("connects");
        world.a.rt().sleep(100 * MS).await;
        world.b.kill();
        assert_eq!(read_to_end(&a).await.expect("reads"), b"written");
        assert_eq!(world.b.usage(), HostUsage::default());
    });
}

#[test]
fn a_lost_machine_says_nothing_until_it_is_back() {
    worlds(async |world| {
        let (a, b) = world.pair().await;
        world.b.power_off();
        assert_eq!(kind(b.try_write(b"x")), Some(ErrorKind::ConnectionReset));
        write_all(&a, b"anybody?").await.expect("writes");
        let rt = world.a.rt();
        assert_silent(&rt, &a).await;
        assert!(rt.timeout(SECOND, rt.connect(world.addr())).await.is_err());
        assert_eq!(world.b.rt().spawn(async {}).join().await, Joined::Aborted);
        world.b.crash();
        write_all(&a, b"still off?").await.expect("writes");
        assert_silent(&rt, &a).await;
        world.b.power_on();
        assert_eq!(
            kind(read(&a, &mut [0; 8]).await),
            Some(ErrorKind::ConnectionReset)
        );
        assert_eq!(world.b.rt().spawn(async {}).join().await, Joined::Finished);
    });
}

#[test]
fn a_crash_behind_a_partition_leaves_a_half_open_connection() {
    worlds(async |world| {
        let (a, _b) = world.pair().await;
        world.net.partition(&world.a, &world.b);
        world.b.crash();
        assert_silent(&world.a.rt(), &a).await;
        world.net.heal(&world.a, &world.b);
        assert_silent(&world.a.rt(), &a).await;
        write_all(&a, b"still there?").await.expect("writes");
        assert_eq!(
            kind(read(&a, &mut [0; 8]).await),
            Some(ErrorKind::ConnectionReset)
        );
    });
}

#[test]
fn a_frozen_process_is_silent_while_its_kernel_goes_on() {
    worlds(async |world| {
        world.net.configure(|c| c.window = 4000);
        let listener = world.listen().await;
        world.b.rt().spawn(echo_server(world.b.rt(), listener));
        let rt = world.a.rt();
        let a = rt.connect(world.addr()).await.expect("connects");
        world.b.freeze();
        write_all(&a, &[5; 4000])
            .await
            .expect("fits into the buffers");
        assert_eq!(kind(a.try_write(b"x")), Some(ErrorKind::WouldBlock));
        let second = rt
            .connect(world.addr())
            .await
            .expect("is accepted by the kernel");
        write_all(&second, b"hello").await.expect("writes");
        assert_silent(&rt, &a).await;
        assert_silent(&rt, &second).await;
        world.b.thaw();
        assert_eq!(read_n(&a, 4000).await.expect("reads"), [5; 4000]);
        assert_eq!(read_n(&second, 5).await.expect("reads"), b"hello");
    });
}

#[test]
fn a_timer_that_ended_while_frozen_is_seen_after_the_thaw() {
    worlds(async |world| {
        let seen = Arc::new(AtomicU64::new(0));
        let (rt, at) = (world.b.rt(), seen.clone());
        let mut task = world.b.rt().spawn(async move {
            rt.sleep(SECOND).await;
            at.store(rt.now().as_nanos(), Ordering::Relaxed);
        });
        world.a.rt().sleep(500 * MS).await;
        world.b.freeze();
        world.a.rt().sleep(9500 * MS).await;
        assert!(!task.is_finished());
        world.b.thaw();
        task.join().await;
        assert_eq!(seen.load(Ordering::Relaxed), 10_000_000_000);
    });
}

#[test]
fn a_drifting_clock_counts_its_own_seconds() {
    worlds(async |world| {
        world.b.set_drift_ppm(100_000);
        let (took, ()) = world.takes(world.b.rt().sleep(11 * SECOND)).await;
        assert_eq!(took, 10 * SECOND);
        // Bent while somebody waits: the host's own count decides when the wait is over.
        let rt = world.b.rt();
        let deadline = rt.now() + 10 * SECOND;
        let sleeper = rt.clone();
        let mut task = rt.spawn(async move { sleeper.sleep_until(deadline).await });
        yield_now().await;
        world.b.set_drift_ppm(-100_000);
        task.join().await;
        assert!(rt.now() >= deadline && rt.now() < deadline + MS);
    });
}

#[test]
fn a_wall_clock_jumps_without_moving_timers() {
    worlds(async |world| {
        let rt = world.a.rt();
        let (wall, now) = (rt.wall(), rt.now());
        world.a.jump_wall_forward(3600 * SECOND);
        assert_eq!(rt.wall().since(wall), 3600 * SECOND);
        world.a.jump_wall_back(7200 * SECOND);
        assert_eq!(wall.since(rt.wall()), 3600 * SECOND);
        assert_eq!(rt.now(), now);
        assert_eq!(world.b.rt().wall(), wall);
    });
}

#[test]
fn two_hosts_draw_different_numbers_and_a_new_process_new_ones() {
    worlds(async |world| {
        let first = world.a.rt().random_u64();
        assert_ne!(first, world.b.rt().random_u64());
        world.a.crash();
        assert_ne!(first, world.a.rt().random_u64());
    });
}

#[test]
fn dropping_a_stream_and_its_timers_leaves_no_trace_in_the_usage() {
    worlds(async |world| {
        let (a, b) = world.pair().await;
        let rt = world.a.rt();
        assert_eq!(
            world.a.usage(),
            HostUsage {
                sockets: 1,
                ..HostUsage::default()
            }
        );
        assert_eq!(rt.timeout(SECOND, pending::<()>()).await, Err(Elapsed));
        write_all(&a, b"x").await.expect("writes");
        drop((a, b));
        rt.sleep(SECOND).await;
        assert_eq!(world.a.usage(), HostUsage::default());
        assert_eq!(world.b.usage(), HostUsage::default());
    });
}

#[test]
fn a_task_that_spins_is_a_livelock_and_names_its_host() {
    let world = World::new(1);
    world.sim.set_poll_budget(1000);
    let spinning = world.b.rt().spawn(async {
        loop {
            yield_now().await;
        }
    });
    let stopped = world.sim.run_for(SECOND);
    assert_eq!(stopped, Err(Stopped::Livelock { host: "b".into() }));
    drop(spinning);
}

#[test]
fn a_world_in_which_nothing_can_happen_says_so() {
    let world = World::new(1);
    assert_eq!(world.sim.block_on(pending::<()>()), Err(Stopped::Idle));
    // A timer nobody waits on any more is nothing that can happen.
    let rt = world.a.rt();
    let waited = world.sim.block_on(rt.timeout(3600 * SECOND, async { 1 }));
    assert_eq!(waited, Ok(Ok(1)));
    let mut sleep = Box::pin(rt.sleep(3600 * SECOND));
    let raced = world
        .sim
        .block_on(race(&mut sleep, rt.sleep(Duration::ZERO)));
    assert_eq!(raced, Ok(Either::Second(())));
    drop(sleep);
    assert_eq!(world.sim.block_on(pending::<()>()), Err(Stopped::Idle));
    assert_eq!(world.sim.now(), Moment::START);
    assert_eq!(world.sim.run_for(SECOND), Ok(()));
    assert_eq!(world.sim.now(), Moment::START + SECOND);
    let rt = world.a.rt();
    let sleeping = world
        .sim
        .block_on_until(moment_ms(2000), rt.sleep(5 * SECOND));
    assert_eq!(sleeping, Err(Stopped::Deadline));
    assert_eq!(
        world.sim.run_until_true(moment_ms(9000), || false),
        Err(Stopped::Idle)
    );
}

#[test]
fn a_condition_stops_the_world_as_soon_as_it_holds() {
    let world = World::new(1);
    let count = Arc::new(AtomicU64::new(0));
    let (rt, counter) = (world.a.rt(), count.clone());
    world.a.rt().spawn(async move {
        loop {
            rt.sleep(MS).await;
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let reached = || count.load(Ordering::Relaxed) == 5;
    assert_eq!(world.sim.run_until_true(moment_ms(1000), reached), Ok(()));
    assert_eq!(world.sim.now(), moment_ms(5));
}

#[test]
fn addresses_are_given_in_order_or_as_asked() {
    let sim = Sim::new(1);
    let own: IpAddr = "fd00::7".parse().expect("literal");
    let hosts: Vec<SimHost> = (0..251).map(|k| sim.host(&format!("h{k}"))).collect();
    let ips: Vec<String> = hosts.iter().map(|h| h.ip().to_string()).collect();
    assert_eq!(
        (&*ips[0], &*ips[249], &*ips[250]),
        ("10.0.0.1", "10.0.0.250", "10.0.1.1")
    );
    assert_eq!(sim.host_with_ips("six", &[own]).ip(), own);
    assert_eq!(hosts[3].name(), "h3");
}
