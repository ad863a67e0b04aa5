//! The proxy of the host, as cordon's environment names one: what goes through it, and what it says of who asks.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use data_encoding::BASE64;
use parking_lot::Mutex;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::fetching;
use super::world::{OTHER, PUBLIC, World, head, http, inside, serve};
use crate::common::{cordon, text};

/// What proxies were asked.
type Asked = Arc<Mutex<Vec<String>>>;

/// A proxy that makes tunnels for who has the password.
async fn proxy() -> (u16, Asked) {
    let asked = Asked::default();
    let noted = asked.clone();
    let (address, _) = serve(Ipv4Addr::LOCALHOST, 0, move |mut stream| {
        let noted = noted.clone();
        async move {
            let Some(head) = head(&mut stream).await else { return };
            let head = text(&head);
            noted.lock().push(head.clone());
            let to = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let who = format!("Proxy-Authorization: Basic {}\r\n", BASE64.encode(b"me:pass word"));
            if !head.contains(&who) {
                let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
                return;
            }
            let Ok(mut far) = TcpStream::connect(&to).await else {
                let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
                return;
            };
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nVia: proxy\r\n\r\n").await;
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut far).await;
        }
    })
    .await;
    (address.port(), asked)
}

#[test]
fn connections_go_through_the_proxy_of_the_host() {
    inside("network::proxy::connections_go_through_the_proxy_of_the_host", |world: World| async move {
        let (_, connections) = serve(PUBLIC, 8080, http).await;
        let (other, _) = serve(OTHER, 8080, http).await;
        let (own, _) = serve(Ipv4Addr::LOCALHOST, 0, http).await;
        let (port, asked) = proxy().await;
        world.name("api.example.org", &[PUBLIC]);
        world.name("direct.example.org", &[PUBLIC]);
        world.name("proxy.example", &[Ipv4Addr::LOCALHOST]);
        let run = |url: &str, who: &str| {
            let own_place = format!("network={own}");
            let mut command =
                cordon(&["eval", "--allow", "network", "--allow", &own_place, "--", &fetching(url)]);
            command.env("HTTPS_PROXY", format!("http://{who}@proxy.example:{port}"));
            command.env("NO_PROXY", "direct.example.org,.internal.example");
            let output = command.output().unwrap();
            let said = text(&output.stdout) + &text(&output.stderr);
            assert!(!said.contains("pass") && !said.contains("proxy.example"), "{said}");
            said
        };
        let who = "me:pass%20word";
        assert!(run("http://api.example.org:8080/a", who).starts_with("200 GET /a HTTP/1.1\n"));
        // The address that was decided is asked for, and nobody but the proxy is told who asks.
        let heads = std::mem::take(&mut *asked.lock());
        assert_eq!(heads.len(), 1, "{heads:?}");
        assert!(
            heads[0].starts_with(&format!("CONNECT {PUBLIC}:8080 HTTP/1.1\r\nHost: {PUBLIC}:8080\r\n")),
            "{heads:?}"
        );
        assert_eq!(connections.load(Ordering::Relaxed), 1);
        assert!(run(&format!("http://{other}/b"), who).starts_with("200 "));
        assert_eq!(std::mem::take(&mut *asked.lock()).len(), 1);
        // What NO_PROXY has, and what is this machine's own, goes straight.
        assert!(run("http://direct.example.org:8080/c", who).starts_with("200 "));
        assert!(run(&format!("http://{own}/d"), who).starts_with("200 "));
        assert_eq!(asked.lock().len(), 0);
        let denied = run("http://api.example.org:8080/e", "me:other");
        assert!(denied.starts_with("ECONNREFUSED") && denied.contains("407"), "{denied}");
        let unreached = run(&format!("http://{PUBLIC}:8081/f"), who);
        assert!(unreached.starts_with("ECONNREFUSED") && unreached.contains("502"), "{unreached}");
    });
}
