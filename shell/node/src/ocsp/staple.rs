//! Proofs that our own certificates are not revoked: fetched, kept in a folder, shown in handshakes, and renewed in
//! time. A server whose certificate is revoked ends, if it is configured so.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gannet_config::{OcspMode, Options};
use gannet_identity::{OcspStanding, OcspStatus, Untimely};
use gannet_rt::Rt;
use gannet_rt::fs;
use gannet_rt::future::race;
use gannet_rt::tls::{OcspLink, TlsContext};
use gannet_units::WallTime;
use parking_lot::Mutex;

use super::responder::{Way, ask};
use super::{name, read, shown};
use crate::log::{log, shown_duration};
use crate::server::Server;
use crate::shared::Shared;

/// How long one answer about our own certificate may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The folder of proofs, below `store_dir`.
const FOLDER: &str = "ocsp";

/// One certificate of ours that proofs are shown with.
#[derive(Debug)]
pub(crate) struct Stapler {
    /// What connections it is for: `Client`, `Router`, `Gateway`.
    kinds: Vec<&'static str>,
    cert_file: String,
    link: OcspLink,
    /// Whoever shows the certificate, and which of theirs it is.
    shown_by: Vec<(TlsContext, usize)>,
    known: Mutex<Option<Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    proof: Vec<u8>,
    standing: OcspStanding,
}

/// A context whose certificates may need proofs.
pub(crate) struct Shower<'a> {
    pub(crate) kind: &'static str,
    pub(crate) context: &'a TlsContext,
    /// The files of its certificates.
    pub(crate) cert_files: Vec<&'a str>,
}

/// One for each certificate that needs proofs. The error: it is not known who has issued one.
pub(crate) fn staplers<'a>(
    mode: OcspMode,
    showers: impl Iterator<Item = Shower<'a>>,
) -> Result<Vec<Arc<Stapler>>, String> {
    let mut staplers: Vec<Stapler> = Vec::new();
    for Shower {
        kind,
        context,
        cert_files,
    } in showers
    {
        for (index, cert_file) in cert_files.into_iter().enumerate() {
            if !mode.wants(context.wants_staple(index)) {
                continue;
            }
            let link = context.own_link(index).ok_or("no issuers found")?;
            let same = |stapler: &&mut Stapler| stapler.link == link;
            match staplers.iter_mut().find(same) {
                Some(known) => {
                    known.shown_by.push((context.clone(), index));
                    if !known.kinds.contains(&kind) {
                        known.kinds.push(kind);
                    }
                }
                None => staplers.push(Stapler {
                    kinds: vec![kind],
                    cert_file: cert_file.to_string(),
                    link,
                    shown_by: vec![(context.clone(), index)],
                    known: Mutex::new(None),
                }),
            }
        }
    }
    Ok(staplers.into_iter().map(Arc::new).collect())
}

/// Sees to it that all have something to show, before anybody can connect.
pub(crate) async fn prepare(shared: &Shared) -> Result<(), String> {
    let tls = shared.tls();
    let ends_server = shared.now().ocsp.mode.ends_server();
    for stapler in &tls.staplers {
        let file = &stapler.cert_file;
        if !stapler.recall(shared, &[]) {
            let fetched = stapler.fetch(shared).await;
            fetched.map_err(|why| {
                format!("bad OCSP status update for certificate at '{file}': {why}")
            })?;
        }
        let status = stapler.standing().map(|standing| standing.status);
        if let Some(bad) = status.filter(|status| *status != OcspStatus::Good && ends_server) {
            let bad = name(bad);
            return Err(format!(
                "found existing OCSP status for certificate at '{file}': {bad}"
            ));
        }
    }
    Ok(())
}

/// Keeps the proofs of the present certificates new until there are others; what was known about the same ones
/// `before` still counts.
pub(crate) fn begin(shared: &Arc<Shared>, before: &[Arc<Stapler>]) {
    for stapler in &shared.tls().staplers {
        for kind in &stapler.kinds {
            log!(
                shared.log,
                Server,
                Info,
                "OCSP Stapling enabled for {kind} connections"
            );
        }
        if stapler.standing().is_none() {
            stapler.recall(shared, before);
        }
        shared.rt.spawn(keep(shared.clone(), stapler.clone()));
    }
    warn_of_unheeded(shared);
}

/// Says which certificates want proofs in vain.
fn warn_of_unheeded(shared: &Shared) {
    if shared.now().ocsp.mode != OcspMode::Never {
        return;
    }
    let (tls, options) = (shared.tls(), shared.options());
    for Shower {
        context,
        cert_files,
        ..
    } in tls.showers(&options)
    {
        for (index, file) in cert_files.into_iter().enumerate() {
            if context.wants_staple(index) {
                log!(
                    shared.log,
                    Server,
                    Warn,
                    "Certificate at '{file}' has MustStaple but OCSP is disabled"
                );
            }
        }
    }
}

/// Renews the proof whenever it is time, until the certificate is shown no more.
async fn keep(shared: Arc<Shared>, stapler: Arc<Stapler>) {
    let (kind, file) = (
        stapler.kinds.first().copied().unwrap_or_default(),
        &stapler.cert_file,
    );
    let mut pause = Duration::ZERO;
    if let Some(standing) = stapler.standing() {
        pause = standing.refresh_in(shared.rt.wall());
        let status = name(standing.status);
        let (next, again) = (shown(standing.next_update), shown_duration(pause));
        log!(
            shared.log,
            Server,
            Info,
            "Found OCSP status for {kind} certificate at '{file}': {status}, next update {next}, checking again in {again}"
        );
    }
    loop {
        if stapler.is_condemned(&shared) {
            let server = Server {
                shared: shared.clone(),
            };
            return server.shut_down().await;
        }
        {
            let changed = shared.tls_changed.notified();
            if !stapler.is_shown(&shared) || shared.is_stopping() {
                return;
            }
            race(shared.rt.sleep(pause), race(changed, shared.stopped())).await;
        }
        if !stapler.is_shown(&shared) || shared.is_stopping() {
            return;
        }
        let fetched = stapler.fetch(&shared).await;
        let standing = stapler.standing();
        pause = standing.map_or(TIMEOUT, |standing| standing.refresh_in(shared.rt.wall()));
        let again = shown_duration(pause);
        match (fetched, standing) {
            (Err(why), _) => log!(
                shared.log,
                Server,
                Error,
                "Bad OCSP status update for certificate '{file}': {why}, trying again in {again}"
            ),
            (Ok(()), Some(standing)) if standing.status == OcspStatus::Good => {
                let next = shown(standing.next_update);
                log!(
                    shared.log,
                    Server,
                    Info,
                    "Received OCSP status for {kind} certificate '{file}': good, next update {next}, checking again in {again}"
                );
            }
            (Ok(()), standing) => {
                let status = standing.map_or("", |standing| name(standing.status));
                log!(
                    shared.log,
                    Server,
                    Error,
                    "Received OCSP status for {kind} certificate '{file}': {status}"
                );
            }
        }
    }
}

impl Stapler {
    fn standing(&self) -> Option<OcspStanding> {
        self.known.lock().as_ref().map(|known| known.standing)
    }

    /// Whether the certificate is still one of the server's.
    fn is_shown(self: &Arc<Stapler>, shared: &Shared) -> bool {
        shared
            .tls()
            .staplers
            .iter()
            .any(|shown| Arc::ptr_eq(shown, self))
    }

    /// Whether the server has to end because of what is known.
    fn is_condemned(&self, shared: &Shared) -> bool {
        let is_bad = self
            .standing()
            .is_some_and(|standing| standing.status != OcspStatus::Good);
        is_bad && shared.now().ocsp.mode.ends_server()
    }

    /// Shows what is known already: to those `before`, or from the folder. Answers whether there was anything.
    fn recall(&self, shared: &Shared, before: &[Arc<Stapler>]) -> bool {
        let same = before.iter().find(|before| before.link == self.link);
        let mut proof = same.and_then(|same| Some(same.known.lock().as_ref()?.proof.clone()));
        if proof.is_none() {
            let file = self.file(&shared.now());
            proof = file.and_then(|file| fs::read(&shared.rt, file).ok());
        }
        proof.is_some_and(|proof| self.show(&shared.rt, proof).is_ok())
    }

    /// Asks, shows the answer and keeps it.
    async fn fetch(&self, shared: &Shared) -> Result<(), String> {
        let options = shared.options();
        let responders = match options.ocsp.urls.as_slice() {
            [] => &self.link.responders,
            urls => urls,
        };
        let question = self
            .link
            .request()
            .ok_or("no question can be made of the certificate")?;
        let mut problems = Vec::new();
        for url in responders {
            for way in [Way::Post, Way::Get] {
                match ask(&shared.rt, url, &question, way, TIMEOUT).await {
                    Ok(proof) => {
                        self.show(&shared.rt, proof.clone())?;
                        return self.store(shared, &options, &proof);
                    }
                    Err(why) => problems.push(why),
                }
            }
        }
        Err(match problems.is_empty() {
            true => "no available ocsp servers".to_string(),
            false => format!("exhausted ocsp servers: {}", problems.join("; ")),
        })
    }

    /// Shows `proof` from now on, if it is one.
    fn show(&self, rt: &Rt, proof: Vec<u8>) -> Result<(), String> {
        let now = rt.wall();
        let standing = read(&self.link, &proof, now)
            .map_err(|why| format!("failed to get remote status: {why}"))?;
        standing.is_timely(now).map_err(untimely)?;
        for (context, index) in &self.shown_by {
            context.set_staple(*index, proof.clone(), standing.next_update);
        }
        *self.known.lock() = Some(Known { proof, standing });
        Ok(())
    }

    /// Where the proof is kept, if there is a folder for it.
    fn file(&self, options: &Options) -> Option<PathBuf> {
        let folder = PathBuf::from(options.store_dir.as_ref()?).join(FOLDER);
        Some(folder.join(&self.link.sha256))
    }

    /// Keeps `proof` for the next start.
    fn store(&self, shared: &Shared, options: &Options, proof: &[u8]) -> Result<(), String> {
        let Some(file) = self.file(options) else {
            return Ok(());
        };
        let new = file.with_extension("new");
        let folder = file.parent().unwrap_or(&file);
        fs::create_dir_all(&shared.rt, folder)
            .and_then(|()| fs::write(&shared.rt, &new, proof))
            .and_then(|()| fs::rename(&shared.rt, &new, &file))
            .map_err(|why| format!("failed to write ocsp status: {why}"))
    }
}

fn untimely(why: Untimely) -> String {
    let (what, time): (&str, WallTime) = match why {
        Untimely::Past(time) => ("NextUpdate, is past", time),
        Untimely::Future(time) => ("ThisUpdate, is future", time),
    };
    format!("invalid ocsp {what} time: {}", shown(Some(time)))
}
