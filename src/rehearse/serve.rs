//! How a simulated cluster is reached: its nodes on loopback TCP, its pages over HTTP, and what faults do on the way.
//!
//! One conversation is the same over any stream, so tests hold it in memory too. Nothing is bound to any other address
//! than 127.0.0.1. Not here: what is answered (`node`, `page`).

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::cluster::Cluster;
use super::fault::{Affliction, Afflicts, Fault};
use super::version::Version;
use super::{node, page};
use crate::snapshot::{Endpoint, NodeId};
use crate::wire::{Asked, REQUEST_LIMIT};

/// The first controller's id, and what it is where a broker has that one.
const FIRST_CONTROLLERS: [NodeId; 2] = [3001, 30_001];
/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;
/// The seed of a rehearsal: every one goes the same way.
const SEED: u64 = 866;

/// The ids of so many brokers and controllers: brokers from 1, controllers from 3001, or from 30001 where
/// the brokers have come that far.
#[must_use]
pub fn node_ids(brokers: u16, controllers: u16) -> (Vec<NodeId>, Vec<NodeId>) {
    let [usual, far] = FIRST_CONTROLLERS;
    let first = if NodeId::from(brokers) < usual { usual } else { far };
    ((1..=NodeId::from(brokers)).collect(), (first..).take(usize::from(controllers)).collect())
}

/// A cluster whose time goes by of itself, shared by all conversations.
#[derive(Debug, Clone)]
pub struct Shared {
    cluster: Arc<Mutex<Cluster>>,
    /// The same moment by our clock and by the cluster's.
    began: (Instant, u64),
}

impl Shared {
    /// A cluster whose time goes by from now on.
    #[must_use]
    pub fn new(cluster: Cluster) -> Self {
        // What it was advanced by hand before has gone by already.
        let began = (Instant::now(), cluster.now.saturating_sub(cluster.by_hand_ms));
        Self { cluster: Arc::new(Mutex::new(cluster)), began }
    }

    /// The cluster as it is by now. Time that it was advanced by hand comes first: it never goes back.
    pub fn with<T>(&self, look: impl FnOnce(&mut Cluster) -> T) -> T {
        // A panic of another conversation is that conversation's end, not the cluster's.
        let mut cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, began_ms) = self.began;
        let elapsed = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let by_hand = cluster.by_hand_ms;
        cluster.advance_to(began_ms.saturating_add(elapsed).saturating_add(by_hand));
        look(&mut cluster)
    }
}

/// Serves one connection to a node until either side closes it, or the node is started again.
///
/// # Errors
/// Those of the stream.
pub async fn converse<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, cluster: Shared, id: NodeId) -> io::Result<()> {
    let process = cluster.with(|cluster| cluster.restarts(id));
    loop {
        let length = stream.read_u32().await? as usize;
        if length > REQUEST_LIMIT {
            return Ok(());
        }
        let mut frame = BytesMut::zeroed(length);
        stream.read_exact(&mut frame).await?;
        let Ok(asked) = Asked::read(frame.freeze()) else { return Ok(()) };
        let (answer, delay, faults) = cluster.with(|cluster| {
            let is_same = cluster.is_listening(id) && cluster.restarts(id) == process;
            let answer = is_same.then(|| node::answer(cluster, id, &asked)).flatten();
            (answer, node::delay(cluster, id, &asked), cluster.faults.of(id).to_vec())
        });
        let Some(mut answer) = answer else { return Ok(()) };
        match delay {
            Some(Duration::ZERO) => {}
            Some(time) => sleep(time).await,
            None => std::future::pending().await,
        }
        let is_last = faults.contains(&Fault::ClosesAfterFirst);
        for fault in faults {
            match fault {
                Fault::Silent => std::future::pending().await,
                Fault::Slow(time) => sleep(time).await,
                Fault::Huge => {
                    stream.write_all(&[0x7f, 0xff, 0xff, 0xff, 0, 0]).await?;
                    stream.flush().await?;
                    std::future::pending::<()>().await;
                }
                Fault::Cut => {
                    stream.write_all(&answer.slice(..answer.len() / 2)).await?;
                    return stream.flush().await;
                }
                Fault::Drip(pause) => {
                    drip(&mut stream, &answer, pause).await?;
                    answer = Bytes::new();
                }
                fault => answer = distorted(fault, answer),
            }
        }
        stream.write_all(&answer).await?;
        stream.flush().await?;
        if is_last {
            return Ok(());
        }
    }
}

async fn drip<S: AsyncWrite + Unpin>(stream: &mut S, answer: &[u8], pause: Duration) -> io::Result<()> {
    for byte in answer {
        stream.write_u8(*byte).await?;
        stream.flush().await?;
        sleep(pause).await;
    }
    Ok(())
}

/// The answer, broken in this way. The first four bytes are its length, the next four the correlation id.
fn distorted(fault: Fault, answer: Bytes) -> Bytes {
    let mut broken = BytesMut::from(&answer[..]);
    match fault {
        Fault::Garbage => broken.iter_mut().skip(8).for_each(|byte| *byte = 0x55),
        Fault::OtherCorrelationId => broken.iter_mut().skip(7).take(1).for_each(|byte| *byte = !*byte),
        Fault::LyingCounts => {
            // No error; then a compact count of 2^31 - 1.
            let body = [0, 0, 0x80, 0x80, 0x80, 0x80, 0x08];
            broken.clear();
            broken.put_u32(11);
            broken.extend(answer.iter().skip(4).take(4));
            broken.extend_from_slice(&body);
        }
        _ => return answer,
    }
    broken.freeze()
}

/// A simulated cluster on loopback.
#[derive(Debug)]
pub struct Rehearsal {
    shared: Shared,
    nodes: BTreeMap<NodeId, Listening>,
    pages: BTreeMap<NodeId, Listening>,
    /// The brokers' pages, all at one address: each is at a path that begins with the broker's id.
    broker_pages: Listening,
    /// Those that nobody expects.
    strangers: Vec<NodeId>,
}

/// A port that is ours, open or closed.
#[derive(Debug)]
struct Listening {
    address: SocketAddr,
    port: Port,
}

#[derive(Debug)]
enum Port {
    /// Bound, so that nobody else gets it, and not listened on: it refuses connections, as a stopped process does.
    Closed(TcpSocket),
    /// Served by this task.
    Open(JoinHandle<()>),
    /// Between the two.
    Lost,
}

impl Rehearsal {
    /// Starts a cluster on ZooKeeper, its controllers not running yet. The nodes have the ids of [`node_ids`].
    ///
    /// # Errors
    /// Those of the operating system, when it has no port to listen on.
    pub async fn start(
        version: Version,
        brokers: u16,
        controllers: u16,
        afflictions: &[Affliction],
    ) -> io::Result<Self> {
        let strange = afflictions.iter().filter(|it| it.fault.afflicts() == Afflicts::Strangers).map(|it| it.node);
        let strangers: Vec<NodeId> = strange.collect();
        let (brokers, controllers) = node_ids(brokers, controllers);
        let brokers = brokers.into_iter().chain(strangers.iter().copied());
        let controllers = controllers.into_iter();
        let (mut nodes, mut pages) = (BTreeMap::new(), BTreeMap::new());
        for id in brokers.clone().chain(controllers.clone()) {
            nodes.insert(id, Listening::reserve()?);
        }
        for id in controllers.clone() {
            pages.insert(id, Listening::reserve()?);
        }
        let place = |id: NodeId| {
            let port = nodes.get(&id).map_or(0, |node: &Listening| node.address.port());
            (id, Endpoint { host: Ipv4Addr::LOCALHOST.to_string(), port })
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let mut cluster = Cluster::new(version, brokers.map(place), controllers.map(place), now, SEED);
        for affliction in afflictions {
            cluster.faults.add(*affliction);
        }
        let shared = Shared::new(cluster);
        let mut broker_pages = Listening::reserve()?;
        let served = shared.clone();
        broker_pages.set(true, move |stream| show_broker_page(stream, served.clone())).await?;
        let mut rehearsal = Self { shared, nodes, pages, broker_pages, strangers };
        rehearsal.act(|_| ()).await?;
        Ok(rehearsal)
    }

    /// Does something to the cluster, and opens and closes listeners after it.
    ///
    /// # Errors
    /// Those of the operating system, when a port cannot be opened again.
    pub async fn act(&mut self, act: impl FnOnce(&mut Cluster)) -> io::Result<()> {
        self.shared.with(act);
        open_and_close(&mut self.nodes, &self.shared, Fault::Refuse, converse).await?;
        open_and_close(&mut self.pages, &self.shared, Fault::PageRefused, show_page).await
    }

    /// The cluster as it is by now.
    pub fn with<T>(&self, look: impl FnOnce(&mut Cluster) -> T) -> T {
        self.shared.with(look)
    }

    /// The brokers that are expected, and where they are.
    #[must_use]
    pub fn brokers(&self) -> Vec<(NodeId, SocketAddr)> {
        let expected = self.nodes.iter().filter(|(id, _)| !self.pages.contains_key(id) && !self.strangers.contains(id));
        expected.map(|(id, node)| (*id, node.address)).collect()
    }

    /// Where the brokers' metrics pages are, with `{id}` for a broker's id. The page of a broker that does not run breaks
    /// off before it began.
    #[must_use]
    pub fn broker_pages(&self) -> String {
        format!("http://{}/{{id}}/metrics", self.broker_pages.address)
    }

    /// The controllers, and where they are and where their metrics pages are.
    #[must_use]
    pub fn controllers(&self) -> Vec<(NodeId, SocketAddr, SocketAddr)> {
        let place = |(id, page): (&NodeId, &Listening)| Some((*id, self.nodes.get(id)?.address, page.address));
        self.pages.iter().filter_map(place).collect()
    }
}

/// Opens the ports whose nodes run, and closes the others; `refused` is the fault that keeps a port closed.
async fn open_and_close<F>(
    ports: &mut BTreeMap<NodeId, Listening>,
    shared: &Shared,
    refused: Fault,
    serve: fn(TcpStream, Shared, NodeId) -> F,
) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    for (&id, port) in ports {
        let open = shared.with(|it| it.is_listening(id) && !it.faults.has(id, refused));
        let shared = shared.clone();
        port.set(open, move |stream| serve(stream, shared.clone(), id)).await?;
    }
    Ok(())
}

impl Listening {
    /// Finds a free port.
    fn reserve() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        // So that it can be closed and bound again while connections that were served linger on it.
        socket.set_reuseaddr(true)?;
        Ok(Self { address: socket.local_addr()?, port: Port::Closed(socket) })
    }

    /// Opens or closes the port.
    async fn set<F>(&mut self, open: bool, serve: impl Fn(TcpStream) -> F + Send + 'static) -> io::Result<()>
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        self.port = match (open, std::mem::replace(&mut self.port, Port::Lost)) {
            (true, Port::Closed(socket)) => {
                let listener = socket.listen(BACKLOG)?;
                Port::Open(tokio::spawn(async move {
                    while let Ok((stream, _)) = listener.accept().await {
                        let _ = stream.set_nodelay(true);
                        tokio::spawn(serve(stream));
                    }
                }))
            }
            (false, Port::Open(serving)) => {
                serving.abort();
                // Only then is the port free to be bound again.
                let _ = serving.await;
                let socket = TcpSocket::new_v4()?;
                socket.set_reuseaddr(true)?;
                socket.bind(self.address)?;
                Port::Closed(socket)
            }
            (_, port) => port,
        };
        Ok(())
    }
}

/// Answers one HTTP request with a controller's page.
async fn show_page(mut stream: TcpStream, shared: Shared, id: NodeId) -> io::Result<()> {
    request_for_page(&mut stream).await?;
    write_page(stream, shared, id).await
}

/// Answers one HTTP request with the page of the broker that it names, if that runs.
async fn show_broker_page(mut stream: TcpStream, shared: Shared) -> io::Result<()> {
    let request = request_for_page(&mut stream).await?;
    let id = String::from_utf8_lossy(&request).split('/').nth(1).and_then(|id| id.parse().ok());
    match id.filter(|id| shared.with(|cluster| cluster.brokers.get(id).is_some_and(|broker| broker.up))) {
        Some(id) => write_page(stream, shared, id).await,
        None => Ok(()),
    }
}

async fn request_for_page(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") && request.len() < REQUEST_LIMIT {
        request.push(stream.read_u8().await?);
    }
    Ok(request)
}

/// Writes a node's page, or what its fault makes of it.
async fn write_page(mut stream: TcpStream, shared: Shared, id: NodeId) -> io::Result<()> {
    let (text, faults) = shared.with(|cluster| (page::text(cluster, id), cluster.faults.of(id).to_vec()));
    let answer = |code: &str, kind: &str, body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 {code}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    };
    let html = "text/html";
    let answer = if faults.contains(&Fault::PageEndless) {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n").await?;
        let lines = "jvm_memory_bytes_used 1.0\n".repeat(2_000);
        loop {
            stream.write_all(lines.as_bytes()).await?;
        }
    } else if faults.contains(&Fault::PageRedirect) {
        let moved = answer("302 Found", html, "");
        moved.replacen("\r\n", "\r\nLocation: /login\r\n", 1)
    } else if faults.contains(&Fault::PageHtml) {
        answer("200 OK", html, "<html><body>Welcome</body></html>\n")
    } else {
        answer("200 OK", "text/plain; version=0.0.4; charset=utf-8", &text)
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
