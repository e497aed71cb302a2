//! Clients know their cluster: every connected client has been told the addresses of all living servers of its
//! cluster, and of no others.
//!
//! Source: the client protocol's `connect_urls`, in INFO at the start and whenever they change.

use crate::world::World;

/// What is wrong with what the clients have been told, if anything.
pub(crate) fn judge(world: &World) -> Result<(), String> {
    for (id, client) in world.clients.iter().enumerate() {
        if !client.is_connected() {
            continue;
        }
        let (wanted, told) = (world.client_urls(client.home), client.urls());
        if !wanted.contains(&told) {
            return Err(format!(
                "client {id} of server {} was told {told:?} instead of one of {wanted:?}",
                client.home
            ));
        }
    }
    Ok(())
}
