//! From a plain stream to an encrypted one, in both roles.

use std::future::poll_fn;
use std::pin::pin;

use gannet_units::Moment;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConnection, Connection, ServerConnection};

use super::connection::{TlsConnection, poll_handshake};
use super::context::TlsContext;
use super::error::TlsError;
use super::facts::TlsFacts;
use super::ocsp::OcspLink;
use crate::future::{Either, race};
use crate::net::Stream;
use crate::rt::Rt;

impl Stream {
    /// Makes this stream, which the peer has dialled, an encrypted one. `early` are bytes of the peer's
    /// that were read already. At `deadline` the handshake fails.
    ///
    /// From the call on, nothing plain can be sent: all that was said before must have left
    /// (`try_write` says that the socket is full until the handshake is over). After an error the
    /// stream can only be closed; the peer has been told why. Only the owning task may do this.
    pub async fn accept_tls(
        &self,
        rt: &Rt,
        context: &TlsContext,
        early: &[u8],
        deadline: Moment,
    ) -> Result<&TlsFacts, TlsError> {
        let connection = ServerConnection::new(context.server())?;
        self.handshake(rt, context, connection.into(), early, deadline)
            .await
    }

    /// Makes this stream, which we have dialled, an encrypted one, with a server whose certificate is for
    /// `name`: a host name (which the server is told) or an address. The rest is as for
    /// [`Stream::accept_tls`].
    pub async fn connect_tls(
        &self,
        rt: &Rt,
        context: &TlsContext,
        name: &str,
        early: &[u8],
        deadline: Moment,
    ) -> Result<&TlsFacts, TlsError> {
        let server = ServerName::try_from(name)
            .map_err(|_| TlsError::BadServerName(name.to_string()))?
            .to_owned();
        let connection = ClientConnection::new(context.client(), server)?;
        self.handshake(rt, context, connection.into(), early, deadline)
            .await
    }

    /// What the handshake found out; `None` on a plain stream and while the handshake lasts.
    pub fn tls(&self) -> Option<&TlsFacts> {
        self.tls_connection()?.facts()
    }

    /// How the peer's certificates lead to an authority of `context`, link by link; nothing on a plain stream, and if
    /// the peer has shown none. `None`: it is not known how.
    pub fn links(&self, context: &TlsContext) -> Option<Vec<OcspLink>> {
        let Some(tls) = self.tls_connection() else {
            return Some(Vec::new());
        };
        let chain: Vec<CertificateDer<'static>> = match tls.state().connection.peer_certificates() {
            None => return Some(Vec::new()),
            Some(chain) => chain.to_vec(),
        };
        context.links(&chain).ok()
    }

    async fn handshake(
        &self,
        rt: &Rt,
        context: &TlsContext,
        connection: Connection,
        early: &[u8],
        deadline: Moment,
    ) -> Result<&TlsFacts, TlsError> {
        let tls = self
            .begin_tls(TlsConnection::new(connection, early))
            .ok_or(TlsError::Twice)?;
        let shaken = pin!(poll_fn(|cx| poll_handshake(tls, self.socket(), cx)));
        let result = match race(shaken, rt.sleep_until(deadline)).await {
            Either::First(result) => result,
            Either::Second(()) => Err(TlsError::Timeout),
        };
        let result = result.and_then(|()| {
            let facts = TlsFacts::of(&tls.state().connection)
                .ok_or_else(|| TlsError::BadCertificate("malformed certificate".to_string()))?;
            if !context.is_pinned(facts.peer.as_ref()) {
                return Err(TlsError::NotPinned);
            }
            tls.set_facts(facts);
            Ok(())
        });
        if let Err(error) = result {
            tls.state().broken = true;
            return Err(error);
        }
        tls.facts().ok_or(TlsError::Twice)
    }
}
