//! Two ends of a connection in one memory.

use std::rc::Rc;

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::{X509Builder, X509NameBuilder};

use super::connection::*;
use super::{Context, Side, verify_error};

/// Answers nothing, or chooses a protocol.
#[derive(Default)]
struct Chooses(Option<usize>);

impl Asks for Chooses {
    fn ask(&mut self, question: Question<'_>) -> Answer {
        match (question, self.0) {
            (Question::Protocol(_), Some(index)) => Answer::Index(index),
            _ => Answer::No,
        }
    }
}

fn server_context() -> Rc<Context> {
    super::super::initialize();
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut certificate = X509Builder::new().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    let context = Context::new(Side::Both, 0, 0x304).unwrap();
    context.set_certificates(&certificate.build().to_pem().unwrap()).unwrap();
    context.set_key(&super::super::pkey::any(key)).unwrap();
    Rc::new(context)
}

/// Has both read and pass on what they have, until neither has anything more to say.
fn settle(one: &Connection, other: &Connection, asks: &mut Chooses) {
    for _ in 0..20 {
        for (from, to) in [(one, other), (other, one)] {
            assert!(to.put(&from.take()));
            let _ = to.read(asks, &mut [0; 16]);
        }
    }
}

#[test]
fn two_ends_agree_and_tell_what_has_happened() {
    let server = Connection::new(server_context(), true).unwrap();
    let client = Connection::new(Rc::new(Context::new(Side::Both, 0, 0x304).unwrap()), false).unwrap();
    client.set_server_name(c"localhost");
    client.set_protocols(b"\x02h2\x08http/1.1".to_vec());
    server.ask_for_protocol();
    server.ask_for_certificate();
    client.log_keys();
    let mut asks = Chooses(Some(3));
    let _ = client.read(&mut asks, &mut [0; 16]);
    settle(&client, &server, &mut asks);
    assert!(!server.is_established() && server.is_choosing_certificate());
    server.certificate_done();
    let _ = server.read(&mut asks, &mut [0; 16]);
    settle(&client, &server, &mut asks);
    assert!(server.is_established() && client.is_established());
    assert_eq!((server.protocol(), client.protocol()), (b"http/1.1".to_vec(), b"http/1.1".to_vec()));
    assert_eq!(server.server_name().as_deref(), Some("localhost"));
    assert_eq!(client.version(), "TLSv1.3");
    assert_eq!(client.peer_certificates().len(), 1);
    // A certificate that nobody has signed but itself.
    assert_eq!(verify_error(client.verify_result()).0, "DEPTH_ZERO_SELF_SIGNED_CERT");
    let mut keys = 0;
    while let Some(event) = client.next_event() {
        keys += i32::from(matches!(event, Event::KeyLog(_)));
    }
    assert!(keys >= 4);

    client.write(&mut asks, b"hello").unwrap();
    assert!(server.put(&client.take()));
    let mut buffer = [0; 16];
    assert_eq!(server.read(&mut asks, &mut buffer).unwrap(), 5);
    assert_eq!(&buffer[..5], b"hello");
    client.shut_down(&mut asks);
    assert!(server.put(&client.take()));
    assert!(matches!(server.read(&mut asks, &mut buffer), Err(Stop::Closed)));
}

#[test]
fn what_is_no_handshake_is_an_error_without_addresses() {
    let server = Connection::new(server_context(), true).unwrap();
    assert!(server.put(b"GET / HTTP/1.1\r\n\r\n"));
    let Err(Stop::Failed(failure)) = server.read(&mut Chooses::default(), &mut [0; 16]) else {
        panic!("it is none");
    };
    assert_eq!(failure.reason.as_deref(), Some("http request"));
    assert!(failure.message.starts_with("0000000000000000:error:0A00009C:SSL routines:"));
    assert!(server.next_event().is_none() || !server.is_established());
}

#[test]
fn a_connection_at_work_refuses_to_be_entered_again() {
    struct Enters<'a>(&'a Connection, bool);
    impl Asks for Enters<'_> {
        fn ask(&mut self, _: Question<'_>) -> Answer {
            let again = self.0.read(&mut Chooses::default(), &mut [0; 16]);
            self.1 = self.0.is_busy() && !self.0.context().is_idle() && matches!(again, Err(Stop::Wait));
            Answer::No
        }
    }
    let server = Connection::new(server_context(), true).unwrap();
    let client = Connection::new(Rc::new(Context::new(Side::Both, 0, 0x304).unwrap()), false).unwrap();
    client.set_protocols(b"\x02h2".to_vec());
    server.ask_for_protocol();
    let _ = client.read(&mut Chooses::default(), &mut [0; 16]);
    assert!(server.put(&client.take()));
    let mut enters = Enters(&server, false);
    assert!(matches!(server.read(&mut enters, &mut [0; 16]), Err(Stop::Failed(_))));
    assert!(enters.1 && !server.is_busy() && server.context().is_idle());
}
