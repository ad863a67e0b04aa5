//! Messages, whole and cut anywhere.

use super::log::{Log, machine};
use super::{Answer, Failure, Head, Kind, PAUSED, Protocol, Refusal, Sink, Told};

fn parse(kind: Kind, text: &str) -> (Vec<String>, Result<usize, Failure>) {
    let whole = {
        let mut log = Log::default();
        let outcome = machine(kind, 0).execute(text.as_bytes(), &mut log);
        (log.0, outcome)
    };
    for cut in 1..text.len() {
        let (mut machine, mut log) = (machine(kind, 0), Log::default());
        let (first, second) = text.as_bytes().split_at(cut);
        let Ok(read) = machine.execute(first, &mut log) else { continue };
        if read == first.len() && machine.execute(second, &mut log).is_ok() && whole.1.is_ok() {
            assert_eq!(log.0, whole.0, "cut at {cut}");
        }
    }
    whole
}

fn code(kind: Kind, text: &str) -> (&'static str, usize) {
    match parse(kind, text).1 {
        Err(Failure::Parse(at, error)) => (error.code, at),
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[test]
fn requests_follow_one_another() {
    let text =
        "GET /a?b HTTP/1.1\r\nHost: x\r\nEmpty:\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
    let (log, outcome) = parse(Kind::Request, text);
    assert_eq!(outcome, Ok(text.len()));
    let expected = [
        "begin",
        "url /a?b",
        "field Host",
        "value x",
        "field Empty",
        "value ",
        "head 0 false true",
        "end",
        "begin",
        "url /",
        "field Content-Length",
        "value 3",
        "head 0 false true",
        "body abc",
        "end",
    ];
    assert_eq!(log, expected);
}

#[test]
fn chunks_and_what_follows_them() {
    let text = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: 1\r\n\r\n";
    let (log, outcome) = parse(Kind::Request, text);
    assert_eq!(outcome, Ok(text.len()));
    let tail = log.get(5..).unwrap();
    assert_eq!(tail, ["extension ab", "body abc", "field T", "value 1", "end"]);
}

#[test]
fn a_response_without_a_length_lasts_to_the_end() {
    let (mut machine, mut log) = (machine(Kind::Response, 0), Log::default());
    let text = b"HTTP/1.1 200 OK\r\n\r\nabc";
    assert_eq!(machine.execute(text, &mut log), Ok(text.len()));
    assert_eq!(log.0, ["begin", "status OK", "head 200 false false", "body abc"]);
    assert_eq!(machine.finish(&mut log), Ok(()));
    assert_eq!(log.0.last().unwrap(), "end");
}

#[test]
fn an_upgrade_leaves_the_rest_alone() {
    let text = "GET / HTTP/1.1\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nrest";
    let (log, outcome) = parse(Kind::Request, text);
    assert_eq!(outcome, Ok(text.len() - 4));
    assert_eq!(log.last().unwrap(), "end");
}

#[test]
fn what_is_no_message_is_refused_by_its_name() {
    let request = |text| code(Kind::Request, text);
    assert_eq!(request("BAD / HTTP/1.1\r\n"), ("HPE_INVALID_METHOD", 1));
    assert_eq!(request("GET / HTTP/1.1\r\nContent-Length: a"), ("HPE_INVALID_CONTENT_LENGTH", 32));
    assert_eq!(request("GET / HTTP/9.1\r\n").0, "HPE_INVALID_VERSION");
    assert_eq!(request("GET / HTTP/1.1\r\nA B: c\r\n").0, "HPE_INVALID_HEADER_TOKEN");
    assert_eq!(request("GET / HTTP/1.1\r\nA: b\x01\r\n").0, "HPE_INVALID_HEADER_TOKEN");
    assert_eq!(
        request("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n").0,
        "HPE_UNEXPECTED_CONTENT_LENGTH"
    );
    assert_eq!(
        request("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n").0,
        "HPE_INVALID_TRANSFER_ENCODING"
    );
    assert_eq!(request("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx").0, "HPE_INVALID_CHUNK_SIZE");
    assert_eq!(
        request("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff").0,
        "HPE_INVALID_CHUNK_SIZE"
    );
    assert_eq!(request("GET / HTTP/1.1\r\nConnection: close\r\n\r\nx").0, "HPE_CLOSED_CONNECTION");
    let response = "HTTP/1.1 200 \r\nContent-Length: 2\r\nConnection: close\r\n\r\nabc";
    assert_eq!(code(Kind::Response, response), ("HPE_CLOSED_CONNECTION", 58));
}

#[test]
fn the_end_within_a_message_is_an_error() {
    let (mut machine, mut log) = (machine(Kind::Request, 0), Log::default());
    assert!(machine.execute(b"GET / HTTP/1.1\r\n", &mut log).is_ok());
    assert!(machine.finish(&mut log).is_err());
}

/// Wants a break wherever it can.
#[derive(Default)]
struct Pausing(Log);

impl Sink for Pausing {
    fn message_begin(&mut self) -> Told {
        self.0.message_begin()
    }
    fn url(&mut self, piece: &[u8]) -> Told {
        self.0.url(piece)
    }
    fn status(&mut self, piece: &[u8]) -> Told {
        self.0.status(piece)
    }
    fn field(&mut self, piece: &[u8]) -> Told {
        self.0.field(piece)
    }
    fn value(&mut self, piece: &[u8]) -> Told {
        self.0.value(piece)
    }
    fn headers_complete(&mut self, head: &Head) -> Told<Answer> {
        self.0.headers_complete(head)?;
        Err(Refusal::Error(PAUSED))
    }
    fn body(&mut self, piece: &[u8]) -> Told {
        self.0.body(piece)?;
        Err(Refusal::Error(PAUSED))
    }
    fn chunk_extension(&mut self, piece: &[u8]) -> Told {
        self.0.chunk_extension(piece)
    }
    fn chunk_header(&mut self) -> Told {
        Ok(())
    }
    fn chunk_complete(&mut self) -> Told {
        Ok(())
    }
    fn message_complete(&mut self) -> Told {
        self.0.message_complete()?;
        Err(Refusal::Error(PAUSED))
    }
}

#[test]
fn what_is_paused_goes_on_as_if_nothing_had_been() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 204 No\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: r\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        let (mut machine, mut sink) = (machine(Kind::Response, 0), Pausing::default());
        let (mut rest, mut breaks) = (text.as_bytes(), 0);
        loop {
            match machine.execute(rest, &mut sink) {
                Ok(read) => {
                    assert_eq!(read, rest.len());
                    break;
                }
                Err(Failure::Parse(at, error)) => {
                    assert_eq!(error, PAUSED);
                    rest = &rest[at..];
                    breaks += 1;
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(breaks >= 2);
        assert_eq!(sink.0.0, parse(Kind::Response, text).0);
    }
}
