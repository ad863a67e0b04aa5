//! What servers of names answer, as JavaScript gets it.

use std::net::{Ipv4Addr, Ipv6Addr};

use isolate::library::{Scope, bytes, string};
use simple_dns::rdata::{CAA, NAPTR, RData, SOA, SRV, TXT};
use simple_dns::{CLASS, CharacterString, Name, Packet, ResourceRecord, TYPE};

use super::ask::Failure;
use crate::binding::{set, set_number};
use crate::bytes::utf8;

/// The number of TLSA records.
pub(super) const TLSA: u16 = 52;

/// Bytes before what a record says, in a packet with that record alone and no name.
const BEFORE_DATA: usize = 12 + 1 + 10;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Records(TYPE),
    Everything,
    /// The names of an address.
    Names,
}

type Value<'s> = v8::Local<'s, v8::Value>;

/// An answer, and the times for which each of its addresses holds. `None` with an exception pending.
pub(super) fn make<'s>(
    scope: &mut Scope<'s, '_>,
    answer: &[u8],
    asked: Asked,
) -> Option<Result<Vec<Value<'s>>, Failure>> {
    let Ok(packet) = Packet::parse(answer) else { return Some(Err("EBADRESP")) };
    let (mut values, mut times) = (Vec::new(), Vec::new());
    let mut records: Vec<_> = packet.answers.iter().collect();
    records.sort_by_key(|record| rank(record.rdata.type_code()));
    for record in records {
        let is_wanted = match asked {
            Asked::Records(kind) => record.rdata.type_code() == kind,
            Asked::Names => record.rdata.type_code() == TYPE::PTR,
            Asked::Everything => true,
        };
        if !is_wanted {
            continue;
        }
        let is_plain = asked != Asked::Everything;
        if let Some(value) = value_of(scope, record, is_plain)? {
            values.push(value);
            times.push(v8::Number::new(scope, f64::from(record.ttl)).into());
        }
    }
    if asked == Asked::Records(TYPE::SOA) {
        return Some(values.into_iter().next().map(|value| vec![value]).ok_or("ENODATA"));
    }
    if values.is_empty() {
        return Some(Err("ENODATA"));
    }
    let mut result = vec![v8::Array::new_with_elements(scope, &values).into()];
    if matches!(asked, Asked::Records(TYPE::A | TYPE::AAAA)) {
        result.push(v8::Array::new_with_elements(scope, &times).into());
    }
    Some(Ok(result))
}

/// Where a kind has its place among all.
fn rank(kind: TYPE) -> usize {
    const ORDER: [TYPE; 10] = [
        TYPE::CNAME,
        TYPE::A,
        TYPE::AAAA,
        TYPE::MX,
        TYPE::NS,
        TYPE::TXT,
        TYPE::SRV,
        TYPE::PTR,
        TYPE::NAPTR,
        TYPE::SOA,
    ];
    ORDER.iter().position(|known| *known == kind).unwrap_or(ORDER.len())
}

/// A record: plain where all are of one kind, else an object that says of which kind it is. Nothing for kinds that
/// JavaScript does not know.
fn value_of<'s>(
    scope: &mut Scope<'s, '_>,
    record: &ResourceRecord<'_>,
    is_plain: bool,
) -> Option<Option<Value<'s>>> {
    Some(Some(match &record.rdata {
        RData::A(a) => {
            let address = Ipv4Addr::from(a.address).to_string();
            address_of(scope, &address, (is_plain, "A", record.ttl))?
        }
        RData::AAAA(aaaa) => {
            let address = Ipv6Addr::from(aaaa.address).to_string();
            address_of(scope, &address, (is_plain, "AAAA", record.ttl))?
        }
        RData::CNAME(name) => name_of(scope, &name.0, is_plain, "CNAME")?,
        RData::NS(name) => name_of(scope, &name.0, is_plain, "NS")?,
        RData::PTR(name) => name_of(scope, &name.0, is_plain, "PTR")?,
        RData::MX(mx) => {
            let object = v8::Object::new(scope);
            set_text(scope, object, "exchange", &mx.exchange.to_string())?;
            set_number(scope, object, "priority", f64::from(mx.preference))?;
            set_text(scope, object, "type", "MX")?;
            object.into()
        }
        RData::TXT(txt) => {
            let mut texts = Vec::new();
            for text in strings(txt) {
                texts.push(utf8(scope, &text)?.into());
            }
            let entries = v8::Array::new_with_elements(scope, &texts);
            if is_plain {
                return Some(Some(entries.into()));
            }
            let object = v8::Object::new(scope);
            set(scope, object, "entries", entries.into())?;
            set_text(scope, object, "type", "TXT")?;
            object.into()
        }
        RData::SRV(srv) => service(scope, srv)?,
        RData::SOA(soa) => authority(scope, soa, is_plain)?,
        RData::NAPTR(naptr) => pointer(scope, naptr)?,
        RData::CAA(caa) => certificates(scope, caa)?,
        RData::NULL(TLSA, data) => return certificate(scope, data.get_data()),
        _ => return Some(None),
    }))
}

fn set_text(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    text: &str,
) -> Option<()> {
    let text = string(scope, text);
    set(scope, object, name, text.into())
}

fn address_of<'s>(
    scope: &mut Scope<'s, '_>,
    address: &str,
    (is_plain, kind, time): (bool, &str, u32),
) -> Option<Value<'s>> {
    if is_plain {
        return Some(string(scope, address).into());
    }
    let object = v8::Object::new(scope);
    set_text(scope, object, "address", address)?;
    set_number(scope, object, "ttl", f64::from(time))?;
    set_text(scope, object, "type", kind)?;
    Some(object.into())
}

fn name_of<'s>(scope: &mut Scope<'s, '_>, name: &Name<'_>, is_plain: bool, kind: &str) -> Option<Value<'s>> {
    let name = name.to_string();
    if is_plain {
        return Some(string(scope, &name).into());
    }
    let object = v8::Object::new(scope);
    set_text(scope, object, "value", &name)?;
    set_text(scope, object, "type", kind)?;
    Some(object.into())
}

fn service<'s>(scope: &mut Scope<'s, '_>, srv: &SRV<'_>) -> Option<Value<'s>> {
    let object = v8::Object::new(scope);
    set_text(scope, object, "name", &srv.target.to_string())?;
    for (name, number) in [("port", srv.port), ("priority", srv.priority), ("weight", srv.weight)] {
        set_number(scope, object, name, f64::from(number))?;
    }
    set_text(scope, object, "type", "SRV")?;
    Some(object.into())
}

fn authority<'s>(scope: &mut Scope<'s, '_>, soa: &SOA<'_>, is_plain: bool) -> Option<Value<'s>> {
    let object = v8::Object::new(scope);
    set_text(scope, object, "nsname", &soa.mname.to_string())?;
    set_text(scope, object, "hostmaster", &soa.rname.to_string())?;
    let unsigned = |number: i32| f64::from(number.cast_unsigned());
    for (name, number) in [
        ("serial", f64::from(soa.serial)),
        ("refresh", unsigned(soa.refresh)),
        ("retry", unsigned(soa.retry)),
        ("expire", unsigned(soa.expire)),
        ("minttl", f64::from(soa.minimum)),
    ] {
        set_number(scope, object, name, number)?;
    }
    if is_plain {
        let undefined = v8::undefined(scope).into();
        set(scope, object, "type", undefined)?;
    } else {
        set_text(scope, object, "type", "SOA")?;
    }
    Some(object.into())
}

fn text_of(text: &CharacterString<'_>) -> String {
    String::try_from(text.clone()).unwrap_or_default()
}

fn pointer<'s>(scope: &mut Scope<'s, '_>, naptr: &NAPTR<'_>) -> Option<Value<'s>> {
    let object = v8::Object::new(scope);
    set_text(scope, object, "flags", &text_of(&naptr.flags))?;
    set_text(scope, object, "service", &text_of(&naptr.services))?;
    set_text(scope, object, "regexp", &text_of(&naptr.regexp))?;
    set_text(scope, object, "replacement", &naptr.replacement.to_string())?;
    set_number(scope, object, "order", f64::from(naptr.order))?;
    set_number(scope, object, "preference", f64::from(naptr.preference))?;
    set_text(scope, object, "type", "NAPTR")?;
    Some(object.into())
}

fn certificates<'s>(scope: &mut Scope<'s, '_>, caa: &CAA<'_>) -> Option<Value<'s>> {
    let object = v8::Object::new(scope);
    set_number(scope, object, "critical", f64::from(caa.flag))?;
    set_text(scope, object, "type", "CAA")?;
    let value = utf8(scope, &caa.value)?;
    set(scope, object, &text_of(&caa.tag), value.into())?;
    Some(object.into())
}

fn certificate<'s>(scope: &mut Scope<'s, '_>, data: &[u8]) -> Option<Option<Value<'s>>> {
    let [usage, selector, matching, data @ ..] = data else { return Some(None) };
    let object = v8::Object::new(scope);
    for (name, number) in [("certUsage", usage), ("selector", selector), ("match", matching)] {
        set_number(scope, object, name, f64::from(*number))?;
    }
    let view: v8::Local<v8::Uint8Array> = bytes(scope, data)?.try_cast().ok()?;
    let buffer = view.buffer(scope)?;
    set(scope, object, "data", buffer.into())?;
    set_text(scope, object, "type", "TLSA")?;
    Some(Some(object.into()))
}

/// The texts of a record, each as it was sent: the parser itself gives them as names and values only.
fn strings(txt: &TXT<'_>) -> Vec<Vec<u8>> {
    let mut packet = Packet::new_reply(0);
    packet.answers.push(ResourceRecord::new(Name::new_unchecked(""), CLASS::IN, 0, RData::TXT(txt.clone())));
    let packet = packet.build_bytes_vec().unwrap_or_default();
    let mut rest = packet.get(BEFORE_DATA..).unwrap_or_default();
    let mut texts = Vec::new();
    while let Some((length, after)) = rest.split_first() {
        let Some((text, after)) = after.split_at_checked(usize::from(*length)) else { break };
        texts.push(text.to_vec());
        rest = after;
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_they_were_sent() {
        let mut txt = TXT::new();
        for text in ["=a", "b=c=d", "plain"] {
            txt.add_string(text).unwrap();
        }
        assert_eq!(strings(&txt), [b"=a".to_vec(), b"b=c=d".to_vec(), b"plain".to_vec()]);
    }
}
