//! `replay NODES RECORDING PORTS`: answers every request on this many ports with one recorded frame, its correlation
//! id replaced by the request's. Writes the ports into a file, then says `ready`.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use kraft_check_figures::{end_with_standard_input, recorded_answer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [nodes, recording, ports] = words.as_slice() else { panic!("replay NODES RECORDING PORTS") };
    let nodes: usize = nodes.parse().expect("a number of nodes");
    let answer: Arc<[u8]> = recorded_answer(recording).into();
    end_with_standard_input();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut text = String::new();
        for _node in 0..nodes {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let _ = writeln!(text, "{}", listener.local_addr()?.port());
            tokio::spawn(serve(listener, Arc::clone(&answer)));
        }
        fs::write(ports, text)?;
        println!("ready");
        std::future::pending().await
    })
}

async fn serve(listener: TcpListener, answer: Arc<[u8]>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(converse(stream, Arc::clone(&answer)));
    }
}

async fn converse(mut stream: TcpStream, answer: Arc<[u8]>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    let mut frame = Vec::with_capacity(4 + answer.len());
    loop {
        request.resize(stream.read_u32().await? as usize, 0);
        stream.read_exact(&mut request).await?;
        frame.clear();
        frame.extend_from_slice(&u32::try_from(answer.len()).expect("a small answer").to_be_bytes());
        frame.extend_from_slice(&request[4..8]);
        frame.extend_from_slice(&answer[4..]);
        stream.write_all(&frame).await?;
    }
}
