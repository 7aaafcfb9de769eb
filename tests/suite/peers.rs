//! Broken, foreign and lying peers, over real sockets, asked by the built binary: always "cannot tell" with the
//! reason, never a crash, never a verdict.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::tool::{Ran, run};

/// Serves every connection with this, on its own thread, and returns the port.
pub(crate) fn peer(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    port
}

/// A peer that answers every request with the frame that this makes of its correlation id.
fn answering(frame: impl Fn(i32) -> Vec<u8> + Send + Sync + 'static) -> u16 {
    peer(move |mut stream| {
        while let Some((_, correlation_id)) = request(&mut stream) {
            if stream.write_all(&frame(correlation_id)).is_err() {
                return;
            }
        }
    })
}

/// Reads one request and returns its API's key and its correlation id.
pub(crate) fn request(stream: &mut TcpStream) -> Option<(i16, i32)> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut body).ok()?;
    Some((i16::from_be_bytes([body[0], body[1]]), i32::from_be_bytes([body[4], body[5], body[6], body[7]])))
}

pub(crate) fn framed(correlation_id: i32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(4 + body.len()).expect("a small frame");
    [&length.to_be_bytes()[..], &correlation_id.to_be_bytes(), body].concat()
}

/// Asks the peer as broker and as controller, and demands "cannot tell" with these words, in both formats.
fn assert_unseen(port: u16, words: &str) {
    for flags in [format!("-b 1@127.0.0.1:{port} --expect-brokers 1"), format!("-C 3001@127.0.0.1:{port}")] {
        let ran = run(&format!("stage brokers-migrated {flags} --request-timeout 1 -o json"));
        let document = assert_cannot_tell(&ran);
        let errors = document["errors"].as_array().expect("errors");
        let said = errors.iter().any(|error| error["message"].as_str().is_some_and(|message| message.contains(words)));
        assert!(said, "{flags}: {errors:?} do not say {words:?}");
        let human = run(&format!("stage brokers-migrated {flags} --request-timeout 1"));
        assert_eq!(human.code, 3);
        assert!(human.stdout.starts_with("CANNOT TELL: brokers-migrated: "), "{}", human.stdout);
        assert!(human.stdout.lines().all(|line| line.chars().count() <= 80), "{}", human.stdout);
    }
}

pub(crate) fn assert_cannot_tell(ran: &Ran) -> Value {
    let document = ran.json();
    assert_eq!(ran.code, 3, "{document}");
    assert_eq!(document["verdict"], "unknown");
    document
}

#[test]
fn nothing_listens_there() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    assert_unseen(port, "connection refused");
}

#[test]
fn the_host_does_not_exist() {
    let ran = run("stage finalized -b 1@no-such-host.invalid:9092 --expect-brokers 1 -o json");
    let document = assert_cannot_tell(&ran);
    assert_eq!(document["errors"][0]["id"], "unknown-host", "{document}");
}

#[test]
fn an_http_port_is_named() {
    let port = peer(|mut stream| {
        let mut buffer = [0; 64];
        let _ = stream.read(&mut buffer);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    assert_unseen(port, "HTTP port");
}

#[test]
fn a_tls_port_is_named() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let chain = vec![key.cert.der().clone()];
    let secret = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .expect("a configuration");
    let config = Arc::new(config);
    let port = peer(move |mut stream| {
        let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).expect("a connection");
        // A Kafka frame is no ClientHello: rustls answers with an alert, as Java's TLS does.
        let _ = tls.complete_io(&mut stream);
        while tls.wants_write() && tls.write_tls(&mut stream).is_ok() {}
    });
    assert_unseen(port, "TLS port");
}

#[test]
fn a_peer_that_closes_at_once_is_no_answer() {
    assert_unseen(peer(drop), "closed");
}

#[test]
fn a_silent_peer_costs_its_request_timeout() {
    let port = peer(|_stream| thread::sleep(Duration::from_secs(30)));
    let began = Instant::now();
    assert_unseen(port, "in time");
    assert!(began.elapsed() < Duration::from_secs(20), "four runs of one second each");
}

#[test]
fn a_frame_that_breaks_off_is_no_answer() {
    let port = peer(|mut stream| {
        if let Some((_, correlation_id)) = request(&mut stream) {
            let _ = stream.write_all(&framed(correlation_id, &[0; 40])[..20]);
        }
    });
    assert_unseen(port, "after 16 of 44 bytes");
}

#[test]
fn a_frame_that_announces_two_gigabytes_is_refused_unread() {
    let port = peer(|mut stream| {
        if request(&mut stream).is_some() {
            let _ = stream.write_all(&[0x7f, 0xff, 0xff, 0xff, 0, 0]);
            thread::sleep(Duration::from_secs(5));
        }
    });
    assert_unseen(port, "2147483647 bytes announced");
}

#[test]
fn a_count_of_two_to_the_31_is_refused() {
    // ApiVersions v3: no error, then a compact count of 2^31 - 1 elements.
    let body = [0, 0, 0x80, 0x80, 0x80, 0x80, 0x08];
    assert_unseen(answering(move |id| framed(id, &body)), "2147483647 elements announced");
}

#[test]
fn an_answer_to_another_request_is_refused() {
    assert_unseen(answering(|id| framed(id + 1, &[0, 0, 1, 0, 0, 0, 0, 0])), "correlation id");
}

#[test]
fn noise_is_refused() {
    assert_unseen(answering(|id| framed(id, &[0, 0, 0x55, 0x55, 0x55, 0x55])), "malformed");
}

#[test]
fn a_node_that_knows_no_version_is_given_up() {
    // Error 35 in the form of version 0, which lists ApiVersions alone; and again when asked in version 0.
    let body = [0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 3];
    assert_unseen(answering(move |id| framed(id, &body)), "error 35");
}

#[test]
fn a_node_that_lists_nothing_is_neither_broker_nor_controller() {
    let port = answering(|id| framed(id, &[0, 0, 1, 0, 0, 0, 0, 0]));
    for flags in [format!("-b 1@127.0.0.1:{port} --expect-brokers 1"), format!("-C 3001@127.0.0.1:{port}")] {
        let document = assert_cannot_tell(&run(&format!("stage finalized {flags} -o json --findings all")));
        assert!(document.to_string().contains("neither a broker's nor a controller's"), "{document}");
    }
}

/// Serves one HTTP answer to everyone.
fn page(answer: &'static str) -> u16 {
    peer(move |mut stream| {
        let mut buffer = [0; 1024];
        let _ = stream.read(&mut buffer);
        let _ = stream.write_all(answer.as_bytes());
    })
}

fn page_error(port: u16) -> (String, String) {
    let flags = format!("-C 3001@127.0.0.1:1 --metrics http://127.0.0.1:{port}/metrics --page-timeout 1 -o json");
    let document = assert_cannot_tell(&run(&format!("stage finalized {flags}")));
    let errors = document["errors"].as_array().expect("errors");
    let error = errors.iter().find(|error| error["message"].as_str().is_some_and(|text| text.contains("/metrics")));
    let error = error.unwrap_or_else(|| panic!("no error of the page in {errors:?}"));
    (error["id"].as_str().expect("an id").to_owned(), error["message"].as_str().expect("a message").to_owned())
}

#[test]
fn each_kind_of_missing_page_has_its_reason() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let free = closed.local_addr().expect("an address").port();
    drop(closed);
    let silent = peer(|_stream| thread::sleep(Duration::from_secs(30)));
    let moved = page("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    for (port, id, words) in [
        (free, "connection-refused", "refused"),
        (silent, "timed-out", "in time"),
        (moved, "not-a-metrics-page", "redirects are not followed"),
        (page("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "not-a-metrics-page", "HTTP 404"),
        (page("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n<html></html>\n"), "not-a-metrics-page", "line 1"),
        (page("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx 1.0\n"), "connection-closed", "closed before"),
        (page("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\u{e9}\n"), "not-a-metrics-page", "line 1"),
        (page("SSH-2.0-OpenSSH_9.2\r\n"), "connection-closed", ""),
    ] {
        let (found, message) = page_error(port);
        assert_eq!(found, id, "{message}");
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn an_endless_page_is_cut_off() {
    let port = peer(|mut stream| {
        let mut buffer = [0; 1024];
        let _ = stream.read(&mut buffer);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let lines = "jvm_memory_bytes_used 1.0\n".repeat(40_000);
        while stream.write_all(lines.as_bytes()).is_ok() {}
    });
    let flags = format!("-C 3001@127.0.0.1:1 --metrics http://127.0.0.1:{port}/metrics --page-timeout 10 -o json");
    let document = assert_cannot_tell(&run(&format!("stage finalized {flags}")));
    assert!(document["errors"].to_string().contains("answer-too-large"), "{document}");
}
