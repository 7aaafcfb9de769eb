//! A ZooKeeper client that can read, list and delete znodes: what a test needs to look behind a migration
//! and to undo one. Every question has a session of its own, so none expires between two; no watches, no TLS.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};

const DELETE: i32 = 2;
const GET_DATA: i32 = 4;
const GET_CHILDREN: i32 = 8;
const NO_NODE: i32 = -101;
const ANY_VERSION: i32 = -1;
/// A frame of request number 0 and operation -11.
const END_OF_SESSION: [u8; 8] = [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xf5];

/// A ZooKeeper server.
#[derive(Clone, Copy)]
pub(crate) struct ZooKeeper {
    pub(crate) server: SocketAddr,
    /// How long each step of a question may take.
    pub(crate) limit: Duration,
}

impl ZooKeeper {
    /// The text of a znode, or nothing when there is no such znode.
    pub(crate) fn get(self, path: &str) -> io::Result<Option<String>> {
        let Some(mut answer) = self.ask(GET_DATA, path, |watch| watch.put_u8(0))? else {
            return Ok(None);
        };
        text(&mut answer).map(Some)
    }

    /// The names below a znode; none when there is no such znode.
    pub(crate) fn children(self, path: &str) -> io::Result<Vec<String>> {
        let Some(mut answer) = self.ask(GET_CHILDREN, path, |watch| watch.put_u8(0))? else {
            return Ok(Vec::new());
        };
        let count = answer.try_get_i32()?;
        (0..count).map(|_| text(&mut answer)).collect()
    }

    /// Deletes a znode and tells whether there was one.
    pub(crate) fn delete(self, path: &str) -> io::Result<bool> {
        let answer = self.ask(DELETE, path, |version| version.put_i32(ANY_VERSION))?;
        Ok(answer.is_some())
    }

    fn ask(self, operation: i32, path: &str, rest: impl FnOnce(&mut BytesMut)) -> io::Result<Option<Bytes>> {
        let mut request = BytesMut::new();
        request.put_i32(1); // the number of the only question in the session
        request.put_i32(operation);
        request.put_i32(i32::try_from(path.len()).expect("a short path"));
        request.put_slice(path.as_bytes());
        rest(&mut request);
        let mut session = self.open()?;
        send(&mut session, &request)?;
        let mut answer = receive(&mut session)?;
        send(&mut session, &END_OF_SESSION)?;
        let _number = answer.try_get_i32()?;
        let _transaction = answer.try_get_i64()?;
        match answer.try_get_i32()? {
            0 => Ok(Some(answer)),
            NO_NODE => Ok(None),
            error => Err(io::Error::other(format!("ZooKeeper error {error} for {path}"))),
        }
    }

    fn open(self) -> io::Result<TcpStream> {
        let mut session = TcpStream::connect_timeout(&self.server, self.limit)?;
        session.set_nodelay(true)?;
        session.set_read_timeout(Some(self.limit))?;
        session.set_write_timeout(Some(self.limit))?;
        let mut hello = BytesMut::new();
        hello.put_i32(0); // protocol version
        hello.put_i64(0); // last transaction seen
        hello.put_i32(10_000); // session timeout in milliseconds
        hello.put_i64(0); // a new session …
        hello.put_i32(16);
        hello.put_bytes(0, 16); // … has an empty password of 16 bytes
        hello.put_u8(0); // not content with a read-only server
        send(&mut session, &hello)?;
        receive(&mut session)?;
        Ok(session)
    }
}

fn send(session: &mut TcpStream, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).expect("a short frame");
    session.write_all(&[&length.to_be_bytes(), frame].concat())
}

fn receive(session: &mut TcpStream) -> io::Result<Bytes> {
    let mut length = [0; 4];
    session.read_exact(&mut length)?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    session.read_exact(&mut frame)?;
    Ok(Bytes::from(frame))
}

fn text(answer: &mut Bytes) -> io::Result<String> {
    // A znode without data has the length -1.
    let length = usize::try_from(answer.try_get_i32()?).unwrap_or(0);
    if length > answer.remaining() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    String::from_utf8(answer.split_to(length).to_vec()).map_err(io::Error::other)
}
