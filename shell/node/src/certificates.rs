//! What becomes of certificates while the server runs: they come to their end, which is said beforehand, and their
//! files change, which is noticed if the configuration says so. Not here: reading them (`tls`), proofs that they are
//! good (`ocsp`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gannet_identity::ExpiryStep;
use gannet_rt::Rt;
use gannet_rt::fs;
use gannet_rt::future::race;
use gannet_units::WallTime;
use jiff::Timestamp;

use crate::live::Live;
use crate::log::log;
use crate::ocsp;
use crate::shared::Shared;
use crate::tls::ServerTls;

/// How long the calendar is trusted to go like a clock.
const LONGEST_PAUSE: Duration = Duration::from_secs(12 * 3600);

/// Files and what is in them: SHA-256 of each that can be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Files(BTreeMap<String, Option<[u8; 32]>>);

impl Files {
    pub(crate) fn look<'a>(rt: &Rt, paths: impl Iterator<Item = &'a str>) -> Files {
        let look = |path: &str| (path.to_string(), fs::sha256(rt, path).ok());
        Files(paths.map(look).collect())
    }
}

/// Begins to look after the certificates, if there are any and nobody does so yet.
pub(crate) fn begin(shared: &Arc<Shared>) {
    let has_any = shared.tls().not_after().next().is_some();
    if has_any
        && !shared
            .certificates_kept
            .swap(true, std::sync::atomic::Ordering::AcqRel)
    {
        shared.rt.spawn(keep(shared.clone()));
    }
}

/// Looks after the certificates until the server stops.
async fn keep(shared: Arc<Shared>) {
    let mut told = BTreeMap::new();
    let mut refused = None;
    while !shared.is_stopping() {
        warn_of_ends(&shared, &mut told);
        {
            let changed = shared.tls_changed.notified();
            let pause = pause(&shared);
            race(shared.rt.sleep(pause), race(changed, shared.stopped())).await;
        }
        if !shared.is_stopping() && shared.now().cert_reload_interval.is_some() {
            look_at_files(&shared, &mut refused);
        }
    }
}

/// How long there is nothing to do.
fn pause(shared: &Shared) -> Duration {
    let (tls, now) = (shared.tls(), shared.rt.wall());
    let steps = tls
        .not_after()
        .filter_map(|(_, end)| ExpiryStep::next_in(now, end));
    let pause = steps.min().unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE);
    // A moment later, so that the step has been made.
    let pause = pause + Duration::from_millis(1);
    shared
        .now()
        .cert_reload_interval
        .map_or(pause, |interval| interval.min(pause))
}

/// Says of each certificate, once for each step, that it ends soon or has ended.
fn warn_of_ends(shared: &Shared, told: &mut BTreeMap<(String, WallTime), ExpiryStep>) {
    let (tls, now) = (shared.tls(), shared.rt.wall());
    let ends: Vec<(String, WallTime)> = tls.not_after().collect();
    told.retain(|known, _| ends.contains(known));
    for (whose, end) in ends {
        let step = ExpiryStep::at(now, end);
        let before = told.insert((whose.clone(), end), step).unwrap_or_default();
        if step <= before {
            continue;
        }
        let date = Timestamp::from_nanosecond(end.as_unix_nanos().into());
        let date = date.map_or_else(|_| String::new(), |date| date.to_string());
        if step.is_end() {
            log!(
                shared.log,
                Server,
                Warn,
                "The TLS certificate of {whose} has ended: it was valid until {date}"
            );
        } else {
            let left = left(end.since(now));
            log!(
                shared.log,
                Server,
                Warn,
                "The TLS certificate of {whose} ends in {left}: it is valid until {date}"
            );
        }
    }
}

fn left(time: Duration) -> String {
    let hours = time.as_secs() / 3600;
    match (hours / 24, hours) {
        (0, 0) => "less than an hour".into(),
        (0, 1) => "1 hour".into(),
        (0, hours) => format!("{hours} hours"),
        (1, _) => "1 day".into(),
        (days, _) => format!("{days} days"),
    }
}

/// Takes over what the files say if they have changed. What cannot be used is told of once: `refused` are the files
/// that it was told of.
fn look_at_files(shared: &Arc<Shared>, refused: &mut Option<Files>) {
    let _one_at_a_time = shared.reloading.lock();
    let (options, before) = (shared.options(), shared.tls());
    let files = Files::look(&shared.rt, crate::tls::files(&options));
    if before.files.as_ref() == Some(&files) || refused.as_ref() == Some(&files) {
        return;
    }
    match ServerTls::load(&shared.rt, &options) {
        Ok(tls) => {
            *refused = None;
            take_over(shared, &shared.live, tls);
            log!(
                shared.log,
                Server,
                Info,
                "Reloaded: TLS certificates, since their files have changed"
            );
        }
        Err(why) => {
            *refused = Some(files);
            log!(
                shared.log,
                Server,
                Error,
                "Certificates have changed and cannot be used, those before stay: {why}"
            );
        }
    }
}

/// Goes by other certificates from now on.
pub(crate) fn take_over(shared: &Arc<Shared>, live: &Live, tls: ServerTls) {
    let before = live.replace_tls(tls);
    changed(shared, &before);
}

/// There are other certificates than those `before`.
pub(crate) fn changed(shared: &Arc<Shared>, before: &ServerTls) {
    shared.tls_changed.notify_waiters();
    ocsp::begin(shared, &before.staplers);
    ocsp::refresh_cache(shared);
    begin(shared);
}

#[cfg(test)]
mod tests {
    use super::left;
    use std::time::Duration;

    #[test]
    fn time_that_is_left_is_told_in_whole_units() {
        for (hours, wanted) in [
            (0, "less than an hour"),
            (1, "1 hour"),
            (23, "23 hours"),
            (24, "1 day"),
            (167, "6 days"),
            (720, "30 days"),
        ] {
            assert_eq!(left(Duration::from_secs(hours * 3600)), wanted);
        }
    }
}
