//! `log_floor REQUESTS`: sends these requests one after the other over one connection and reads each answer to its end,
//! without a look at it: the least that reading a log can cost. The first line of the file is the address.

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;

fn main() -> io::Result<()> {
    let file = env::args().nth(1).expect("log_floor REQUESTS");
    let text = fs::read_to_string(file)?;
    let mut lines = text.lines();
    let mut stream = TcpStream::connect(lines.next().expect("an address"))?;
    stream.set_nodelay(true)?;
    let mut answer = vec![0; 64 * 1024];
    for line in lines {
        let byte = |at: usize| u8::from_str_radix(&line[at..at + 2], 16).expect("hex");
        let request: Vec<u8> = (0..line.len()).step_by(2).map(byte).collect();
        stream.write_all(&request)?;
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut left = u32::from_be_bytes(length) as usize;
        while left > 0 {
            let most = left.min(answer.len());
            left -= stream.read(&mut answer[..most])?;
        }
    }
    Ok(())
}
