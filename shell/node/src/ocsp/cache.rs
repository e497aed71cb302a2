//! Answers about the certificates of peers, kept in memory and in a file, which is the reference server's. Nothing in
//! the file is believed: an answer that is used is checked as if it had just come.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use gannet_config::OcspCacheOptions;
use gannet_identity::{OcspStanding, OcspStatus};
use gannet_rt::future::race;
use gannet_rt::{Rt, fs};
use gannet_units::WallTime;
use gannet_wire::s2;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::{name, shown};
use crate::log::log;
use crate::shared::Shared;

/// Most answers that are kept.
const MOST: usize = 10_000;
/// Longest answer that is read from the file.
const LONGEST: usize = 64 * 1024;
const FILE: &str = "cache.json";

/// SHA-256 of a certificate.
type Key = [u8; 32];

/// Answers about certificates.
#[derive(Debug)]
pub(crate) struct Cache {
    options: OcspCacheOptions,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    answers: BTreeMap<Key, Entry>,
    hits: i64,
    misses: i64,
    /// It is not in the file as it is here.
    is_dirty: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    subject: String,
    at: WallTime,
    status: OcspStatus,
    expires: Option<WallTime>,
    answer: Vec<u8>,
}

/// What monitoring shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) hits: i64,
    pub(crate) misses: i64,
    pub(crate) size: usize,
    pub(crate) revoked: usize,
    pub(crate) good: usize,
    pub(crate) unknown: usize,
}

impl Cache {
    fn new(options: OcspCacheOptions) -> Cache {
        Cache {
            options,
            state: Mutex::default(),
        }
    }

    /// Whether anything is kept at all.
    pub(crate) fn is_on(&self) -> bool {
        self.options.on
    }

    /// The answer about the certificate.
    pub(super) fn get(&self, key: &Key) -> Option<Vec<u8>> {
        if !self.options.on {
            return None;
        }
        let mut state = self.state.lock();
        let found = state.answers.get(key).map(|entry| entry.answer.clone());
        match found {
            Some(_) => state.hits += 1,
            None => state.misses += 1,
        }
        found
    }

    /// As [`Cache::get`], not counted.
    pub(super) fn peek(&self, key: &Key) -> Option<Vec<u8>> {
        let state = self.state.lock();
        state.answers.get(key).map(|entry| entry.answer.clone())
    }

    /// Keeps what has been answered about the certificate of `subject`. If there are too many answers, the oldest goes.
    pub(super) fn put(
        &self,
        key: Key,
        subject: &str,
        standing: &OcspStanding,
        answer: &[u8],
        at: WallTime,
    ) {
        if !self.options.on {
            return;
        }
        let mut state = self.state.lock();
        if state.answers.len() >= MOST && !state.answers.contains_key(&key) {
            let oldest = state.answers.iter().min_by_key(|(_, entry)| entry.at);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                state.answers.remove(&oldest);
            }
        }
        let entry = Entry {
            subject: subject.to_string(),
            at,
            status: standing.status,
            expires: standing.next_update,
            answer: answer.to_vec(),
        };
        state.answers.insert(key, entry);
        state.is_dirty = true;
    }

    /// What was found counts no longer, and was no hit therefore. Revocations may be kept.
    pub(super) fn forget(&self, key: &Key) {
        let mut state = self.state.lock();
        let Some(entry) = state.answers.get(key) else {
            return;
        };
        let is_kept = entry.status == OcspStatus::Revoked && self.options.preserve_revoked;
        state.hits -= 1;
        state.misses += 1;
        if !is_kept {
            state.answers.remove(key);
            state.is_dirty = true;
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let state = self.state.lock();
        let of = |status| {
            state
                .answers
                .values()
                .filter(|entry| entry.status == status)
                .count()
        };
        Counts {
            hits: state.hits,
            misses: state.misses,
            size: state.answers.len(),
            revoked: of(OcspStatus::Revoked),
            good: of(OcspStatus::Good),
            unknown: of(OcspStatus::Unknown),
        }
    }

    fn file(&self) -> PathBuf {
        PathBuf::from(&self.options.local_store).join(FILE)
    }

    fn load(&self, rt: &Rt) -> Result<(), String> {
        let bytes = match fs::read(rt, self.file()) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        let found: Map<String, Value> =
            serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        let entries = found.iter().filter_map(|(key, value)| {
            let key = BASE64.decode(key.as_bytes()).ok()?.try_into().ok()?;
            Some((key, Entry::of_json(value)?))
        });
        self.state.lock().answers = entries.take(MOST).collect();
        Ok(())
    }

    /// Writes what has changed.
    fn save(&self, rt: &Rt) -> Result<(), String> {
        if !self.options.on {
            return Ok(());
        }
        let text = {
            let mut state = self.state.lock();
            if !std::mem::take(&mut state.is_dirty) {
                return Ok(());
            }
            let entries = state.answers.iter();
            let page: Map<String, Value> = entries
                .map(|(key, entry)| (BASE64.encode(key), entry.json()))
                .collect();
            serde_json::to_vec_pretty(&page).map_err(|error| error.to_string())?
        };
        let (file, new) = (self.file(), self.file().with_extension("new"));
        let written = fs::create_dir_all(rt, &self.options.local_store)
            .and_then(|()| fs::write_private(rt, &new, &text))
            .and_then(|()| fs::rename(rt, &new, &file));
        written.map_err(|error| {
            self.state.lock().is_dirty = true;
            error.to_string()
        })
    }
}

impl Entry {
    fn json(&self) -> Value {
        let mut squeezed = Vec::new();
        s2::Writer::new().write(s2::Mode::Better, [self.answer.as_slice()], &mut squeezed);
        json!({
            "subject": self.subject,
            "cached_at": shown(Some(self.at)),
            "resp_status": name(self.status),
            "resp_expires": shown(self.expires),
            "resp": BASE64.encode(&squeezed),
        })
    }

    fn of_json(value: &Value) -> Option<Entry> {
        let text = |key: &str| value.get(key)?.as_str();
        let time = |key: &str| {
            let time: Timestamp = text(key)?.parse().ok()?;
            let nanos = i64::try_from(time.as_nanosecond()).ok()?;
            Some(WallTime::from_unix_nanos(nanos))
        };
        let squeezed = BASE64.decode(text("resp")?.as_bytes()).ok()?;
        Some(Entry {
            subject: text("subject").unwrap_or_default().to_string(),
            at: time("cached_at")?,
            status: match text("resp_status")? {
                "good" => OcspStatus::Good,
                "revoked" => OcspStatus::Revoked,
                _ => OcspStatus::Unknown,
            },
            // The first day of the calendar is out of the reach of our times, and means none.
            expires: time("resp_expires"),
            answer: unsqueezed(&squeezed)?,
        })
    }
}

fn unsqueezed(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut reader, mut out) = (s2::Reader::new(), Vec::new());
    while !bytes.is_empty() && out.len() <= LONGEST {
        let taken = reader.read(bytes, &mut out).ok()?;
        bytes = bytes.get(taken..)?;
    }
    (out.len() <= LONGEST).then_some(out)
}

/// Begins to keep answers, keeps them otherwise, or stops, as the present options say.
pub(crate) fn refresh(shared: &Arc<Shared>) {
    let options = shared.options();
    let is_wanted = options
        .tls
        .as_ref()
        .is_some_and(|tls| tls.ocsp_peer.is_some());
    let before = shared.ocsp_cache.load_full();
    if before
        .as_ref()
        .is_some_and(|cache| is_wanted && cache.options == options.ocsp_cache)
    {
        return;
    }
    save(shared);
    if !is_wanted {
        return shared.ocsp_cache.store(None);
    }
    let cache = Arc::new(Cache::new(options.ocsp_cache.clone()));
    if cache.is_on()
        && let Err(why) = cache.load(&shared.rt)
    {
        log!(
            shared.log,
            Server,
            Warn,
            "Unable to load OCSP peer cache: {why}"
        );
    }
    let kind = if cache.is_on() { "local" } else { "none" };
    log!(
        shared.log,
        Server,
        Info,
        "OCSP peer cache online, type [{kind}]"
    );
    shared.ocsp_cache.store(Some(cache.clone()));
    if cache.is_on() {
        shared.rt.spawn(keep_saved(shared.clone(), cache));
    }
}

/// Writes what is kept, at the end of the server, say.
pub(crate) fn save(shared: &Shared) {
    if let Some(cache) = shared.ocsp_cache.load_full()
        && let Err(why) = cache.save(&shared.rt)
    {
        log!(
            shared.log,
            Server,
            Error,
            "Unable to save OCSP peer cache: {why}"
        );
    }
}

async fn keep_saved(shared: Arc<Shared>, cache: Arc<Cache>) {
    let pause: Duration = cache.options.save_interval;
    let is_present = |shared: &Shared| {
        let present = shared.ocsp_cache.load();
        present
            .as_ref()
            .is_some_and(|present| Arc::ptr_eq(present, &cache))
    };
    while is_present(&shared) && !shared.is_stopping() {
        race(shared.rt.sleep(pause), shared.stopped()).await;
        if is_present(&shared) {
            save(&shared);
        }
    }
}

#[cfg(test)]
mod tests {
    use gannet_rt::sim::Sim;

    use super::*;

    fn at(seconds: i64) -> WallTime {
        WallTime::from_unix_nanos(seconds * 1_000_000_000)
    }

    fn standing(status: OcspStatus, next: Option<i64>) -> OcspStanding {
        OcspStanding {
            status,
            this_update: at(0),
            next_update: next.map(at),
        }
    }

    fn key(n: u16) -> Key {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&n.to_be_bytes());
        key
    }

    #[test]
    fn answers_are_counted_kept_and_forgotten() {
        for preserve_revoked in [false, true] {
            let cache = Cache::new(OcspCacheOptions {
                preserve_revoked,
                ..OcspCacheOptions::default()
            });
            let put = |n, status| cache.put(key(n), "CN=x", &standing(status, None), &[1], at(1));
            assert_eq!(cache.get(&key(1)), None);
            put(1, OcspStatus::Good);
            put(2, OcspStatus::Revoked);
            put(3, OcspStatus::Unknown);
            put(3, OcspStatus::Good);
            assert_eq!(cache.get(&key(1)), Some(vec![1]));
            assert_eq!(cache.get(&key(2)), Some(vec![1]));
            let counts = Counts {
                hits: 2,
                misses: 1,
                size: 3,
                revoked: 1,
                good: 2,
                unknown: 0,
            };
            assert_eq!(cache.counts(), counts);
            cache.forget(&key(2));
            let kept = usize::from(preserve_revoked);
            let counts = Counts {
                hits: 1,
                misses: 2,
                size: 2 + kept,
                revoked: kept,
                ..counts
            };
            assert_eq!(cache.counts(), counts);
        }
        let off = Cache::new(OcspCacheOptions {
            on: false,
            ..OcspCacheOptions::default()
        });
        off.put(key(1), "", &standing(OcspStatus::Good, None), &[1], at(1));
        assert_eq!((off.get(&key(1)), off.counts()), (None, Counts::default()));
    }

    #[test]
    fn the_oldest_answer_makes_room() {
        let cache = Cache::new(OcspCacheOptions::default());
        let good = standing(OcspStatus::Good, None);
        for n in 0..u16::try_from(MOST).expect("fits") + 1 {
            // The second one is the oldest.
            let since = if n == 1 { 0 } else { 5 };
            cache.put(key(n), "", &good, &[], at(since));
        }
        assert_eq!(cache.counts().size, MOST);
        assert_eq!(cache.get(&key(1)), None);
        assert_eq!(cache.get(&key(0)), Some(Vec::new()));
    }

    #[test]
    fn what_is_kept_outlives_the_server() {
        let (rt, options) = (Sim::new(1).host("a").rt(), OcspCacheOptions::default());
        let cache = Cache::new(options.clone());
        let answer: Vec<u8> = (0..2000u32).map(|n| (n % 7) as u8).collect();
        let good = standing(OcspStatus::Good, Some(2_000_000_000));
        cache.put(key(1), "CN=x", &good, &answer, at(1_700_000_000));
        let unset = standing(OcspStatus::Revoked, None);
        cache.put(key(2), "CN=y", &unset, &[1], at(1_700_000_001));
        cache.save(&rt).expect("saved");
        let again = Cache::new(options);
        again.load(&rt).expect("loaded");
        assert_eq!(again.state.lock().answers, cache.state.lock().answers);
        // A file that is none is told of, and what is odd in one is left out.
        fs::write(&rt, "_rc_/cache.json", "[]").expect("written");
        assert!(again.load(&rt).is_err());
        fs::write(&rt, "_rc_/cache.json", r#"{"x": {}, "y": 1}"#).expect("written");
        again.load(&rt).expect("loaded");
        assert_eq!(again.counts().size, 0);
    }
}
