//! One message on its way through the switchboard. Not here: the frames of any protocol.

use bytes::Bytes;

/// A message as it came in, borrowed from the buffer it was read into.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The literal subject.
    pub subject: &'a [u8],
    /// The reply subject; empty if there is none.
    pub reply: &'a [u8],
    /// Length of the header block at the start of `payload`; `None` if the message has no headers.
    pub header_len: Option<usize>,
    /// Header block and body.
    pub payload: &'a [u8],
    /// `[header_len ]size\r\n<payload>\r\n`: what every delivery repeats after subject and reply. Empty
    /// if it has to be written anew.
    pub tail: &'a [u8],
    /// The same tail as a reference-counted slice, for messages so large that a delivery links it
    /// instead of copying.
    pub shared: Option<&'a Bytes>,
}

impl Message<'_> {
    /// Size of payload and headers in bytes, as counted in statistics.
    pub fn size(&self) -> usize {
        self.payload.len()
    }
}
