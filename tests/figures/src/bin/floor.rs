//! `floor sequential|concurrent PORTS`: connects to every port, sends one recorded request, and reads the answer by its
//! length without looking into it. The least that asking every node one question can cost.
//! `floor listed PORTS`: the same concurrently, and each node's list of brokers behind it. The least that reading what a
//! verdict rests on can cost.

use std::env;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use kraft_check_figures::{CONCURRENCY, NEXT_REQUEST, REQUEST, addresses};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [way, ports] = words.as_slice() else { panic!("floor sequential|concurrent|listed PORTS") };
    let nodes = addresses(ports);
    if way == "sequential" {
        let mut frame = Vec::new();
        return nodes.into_iter().try_for_each(|node| exchange(node, &mut frame));
    }
    let requests: &[&[u8]] = if way == "listed" { &[REQUEST, NEXT_REQUEST] } else { &[REQUEST] };
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(side_by_side(nodes, requests))
}

fn exchange(node: SocketAddr, frame: &mut Vec<u8>) -> io::Result<()> {
    let mut stream = TcpStream::connect(node)?;
    stream.set_nodelay(true)?;
    stream.write_all(REQUEST)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    frame.resize(u32::from_be_bytes(length) as usize, 0);
    stream.read_exact(frame)
}

/// As many tasks as may ask at the same time, each of which takes the next node that is left.
async fn side_by_side(nodes: Vec<SocketAddr>, requests: &'static [&[u8]]) -> io::Result<()> {
    let nodes: Arc<[SocketAddr]> = nodes.into();
    let asking = (0..CONCURRENCY).map(|first| {
        let nodes = Arc::clone(&nodes);
        tokio::spawn(async move {
            let mut frame = Vec::new();
            for node in nodes.iter().skip(first).step_by(CONCURRENCY) {
                let mut stream = tokio::net::TcpStream::connect(node).await?;
                stream.set_nodelay(true)?;
                for request in requests {
                    stream.write_all(request).await?;
                    frame.resize(stream.read_u32().await? as usize, 0);
                    stream.read_exact(&mut frame).await?;
                }
            }
            io::Result::Ok(())
        })
    });
    let asking: Vec<_> = asking.collect();
    for task in asking {
        task.await.expect("a task that does not panic")?;
    }
    Ok(())
}
