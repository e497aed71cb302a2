//! What can happen to a cluster in memory.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};

use super::super::Change;
use super::network::{Event, Network, url};
use crate::CloseReason;
use crate::route::info_line;

impl Network {
    /// Cuts a connection: both sides see it, one perhaps later.
    pub(super) fn cut(&mut self, which: usize) {
        let open = self.open();
        let Some(p) = open.get(which % open.len().max(1)).copied() else {
            return;
        };
        for d in 0..2 {
            let at = self.soon(3000);
            self.pipes[p].ends[d].last = self.pipes[p].ends[d].last.max(at);
            self.schedule(at, Event::Fin(p, d, CloseReason::ReadError));
        }
    }

    /// Nothing more arrives on a connection, and nobody is told.
    pub(super) fn kill(&mut self, which: usize) {
        let open = self.open();
        if let Some(p) = open.get(which % open.len().max(1)) {
            self.pipes[*p].is_dead = true;
        }
    }

    pub(super) fn part(&mut self, a: usize, b: usize) {
        self.parted.insert((a.min(b), a.max(b)));
        for pipe in &mut self.pipes {
            let ends = [pipe.ends[0].server, pipe.ends[1].server];
            pipe.is_dead |= ends == [a, b] || ends == [b, a];
        }
    }

    /// The server dies and starts anew, with another id.
    pub(super) fn restart(&mut self, n: usize) {
        for p in self.open() {
            for d in 0..2 {
                if self.pipes[p].ends[d].server == n && !self.pipes[p].ends[d].is_closed {
                    self.pipes[p].ends[d].is_closed = true;
                    self.fin(p, 1 - d, CloseReason::ReadError);
                }
            }
        }
        let (config, life) = (self.servers[n].config.clone(), self.servers[n].life + 1);
        self.servers[n] = self.server(n, config, life);
        self.poll(n);
    }

    pub(super) fn reload(&mut self, n: usize, pool_size: Option<u32>, pinned: &[&'static str]) {
        let server = &mut self.servers[n];
        server.config.pool_size = pool_size;
        server.config.pinned = pinned.to_vec();
        server.link.info.route_pool_size = pool_size.map_or(0, i64::from);
        server.link.pooling = pool_size.is_some();
        let mut pinned: BTreeSet<String> = pinned.iter().map(ToString::to_string).collect();
        pinned.insert("$SYS".to_string());
        let change = Change {
            routes: server.config.routes.iter().map(|n| url(*n)).collect(),
            pool_size,
            pinned,
        };
        let update = info_line(&server.link.update(server.routes.cluster()));
        self.change(n, |routes, now, out| {
            routes.reload(&change, &update, now, out);
        });
    }
}
