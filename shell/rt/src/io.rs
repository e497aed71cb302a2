//! The I/O traits of the ecosystem, for code that wraps a stream (TLS, HTTP). They need no runtime,
//! so they work in both worlds.

pub use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
