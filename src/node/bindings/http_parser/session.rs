//! Telling JavaScript of messages while bytes are read.

use std::rc::Rc;

use isolate::library::{Scope, monotonic};

use super::parser::Parser;
use crate::environment::Env;
use crate::http_parser::{Answer, Head, ParseError, Refusal, Sink, Told};

pub(super) const ON_MESSAGE_BEGIN: i32 = 0;
pub(super) const ON_HEADERS: i32 = 1;
pub(super) const ON_HEADERS_COMPLETE: i32 = 2;
pub(super) const ON_BODY: i32 = 3;
pub(super) const ON_MESSAGE_COMPLETE: i32 = 4;
pub(super) const ON_EXECUTE: i32 = 5;
pub(super) const ON_TIMEOUT: i32 = 6;

/// More fields than these are handed over before the headers are complete.
const FIELDS_MAX: usize = 32;

/// Most bytes of what may follow the size of a chunk.
const CHUNK_EXTENSION_MAX: usize = 16 * 1024;

/// What has been put together of a message so far.
#[derive(Default)]
pub(super) struct Assembly {
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// The last of them has a value already.
    has_value: bool,
    url: Vec<u8>,
    status: Vec<u8>,
    /// Fields have been handed over early.
    has_flushed: bool,
    header_bytes: usize,
    extension_bytes: usize,
}

/// One run of a parser.
pub(super) struct Session<'a, 's, 'i> {
    pub scope: &'a mut Scope<'s, 'i>,
    pub env: &'a Rc<Env>,
    pub parser: &'a Rc<Parser>,
    pub object: v8::Local<'s, v8::Object>,
    /// The parser's beginning that this belongs to.
    pub epoch: u64,
}

impl<'s> Session<'_, 's, '_> {
    /// Calls one of the library's functions, if it is there.
    fn call(
        &mut self,
        callback: i32,
        arguments: &[v8::Local<'s, v8::Value>],
    ) -> Told<Option<v8::Local<'s, v8::Value>>> {
        let index = u32::try_from(callback).unwrap_or(u32::MAX);
        let function = self.object.get_index(self.scope, index).ok_or(Refusal::Threw)?;
        let Ok(function) = function.try_cast::<v8::Function>() else { return Ok(None) };
        let wrap = &self.parser.wrap;
        let answer = wrap.call(self.scope, self.env, self.object, function, arguments);
        let answer = answer.ok_or(Refusal::Threw)?;
        // The guest's code may have given the parser back, or begun anew with it.
        if self.parser.epoch.get() == self.epoch { Ok(Some(answer)) } else { Err(Refusal::Gone) }
    }

    fn text(&mut self, bytes: &[u8]) -> Told<v8::Local<'s, v8::Value>> {
        let text = v8::String::new_from_one_byte(self.scope, bytes, v8::NewStringType::Normal);
        text.map(Into::into).ok_or(Refusal::Threw)
    }

    /// What has been put together of the headers, which begin anew.
    fn headers(&mut self) -> Told<v8::Local<'s, v8::Value>> {
        let fields = {
            let mut assembly = self.parser.assembly.borrow_mut();
            let complete = assembly.has_value;
            assembly.has_value = false;
            let mut fields = std::mem::take(&mut assembly.fields);
            if !complete {
                fields.pop();
            }
            fields
        };
        let mut values = Vec::with_capacity(fields.len() * 2);
        for (field, value) in &fields {
            values.push(self.text(field)?);
            values.push(self.text(value.trim_ascii_end())?);
        }
        Ok(v8::Array::new_with_elements(self.scope, &values).into())
    }

    fn flush(&mut self) -> Told {
        let headers = self.headers()?;
        let url = std::mem::take(&mut self.parser.assembly.borrow_mut().url);
        let url = self.text(&url)?;
        self.parser.assembly.borrow_mut().has_flushed = true;
        self.call(ON_HEADERS, &[headers, url])?;
        Ok(())
    }

    /// Counts bytes of a message's head.
    fn count(&self, more: usize) -> Told {
        let mut assembly = self.parser.assembly.borrow_mut();
        assembly.header_bytes = assembly.header_bytes.saturating_add(more);
        if assembly.header_bytes >= self.parser.header_bytes_max.get() {
            return Err(Refusal::Error(ParseError::new("HPE_HEADER_OVERFLOW", "Header overflow")));
        }
        Ok(())
    }
}

impl Sink for Session<'_, '_, '_> {
    fn message_begin(&mut self) -> Told {
        {
            let mut assembly = self.parser.assembly.borrow_mut();
            assembly.fields.clear();
            assembly.has_value = false;
            assembly.url.clear();
            assembly.status.clear();
            assembly.extension_bytes = 0;
        }
        self.parser.progress.has_headers.set(false);
        self.parser.progress.since.set(Some(monotonic()));
        self.parser.set_active(true);
        self.call(ON_MESSAGE_BEGIN, &[]).map(drop)
    }

    fn url(&mut self, piece: &[u8]) -> Told {
        self.count(piece.len())?;
        self.parser.assembly.borrow_mut().url.extend_from_slice(piece);
        Ok(())
    }

    fn status(&mut self, piece: &[u8]) -> Told {
        self.count(piece.len())?;
        self.parser.assembly.borrow_mut().status.extend_from_slice(piece);
        Ok(())
    }

    fn field(&mut self, piece: &[u8]) -> Told {
        self.count(piece.len())?;
        let is_full = {
            let assembly = self.parser.assembly.borrow();
            (assembly.fields.is_empty() || assembly.has_value) && assembly.fields.len() + 1 >= FIELDS_MAX
        };
        if is_full {
            self.flush()?;
        }
        let mut assembly = self.parser.assembly.borrow_mut();
        if assembly.fields.is_empty() || assembly.has_value {
            assembly.fields.push(Default::default());
            assembly.has_value = false;
        }
        if let Some((field, _)) = assembly.fields.last_mut() {
            field.extend_from_slice(piece);
        }
        Ok(())
    }

    fn value(&mut self, piece: &[u8]) -> Told {
        self.count(piece.len())?;
        let mut assembly = self.parser.assembly.borrow_mut();
        assembly.has_value = true;
        if let Some((_, value)) = assembly.fields.last_mut() {
            value.extend_from_slice(piece);
        }
        Ok(())
    }

    fn headers_complete(&mut self, head: &Head) -> Told<Answer> {
        self.parser.progress.has_headers.set(true);
        self.parser.assembly.borrow_mut().header_bytes = 0;
        let is_request = self.parser.is_request();
        let undefined: v8::Local<v8::Value> = v8::undefined(self.scope).into();
        let (mut headers, mut url, mut method, mut status, mut status_text) =
            (undefined, undefined, undefined, undefined, undefined);
        let has_flushed = self.parser.assembly.borrow().has_flushed;
        if has_flushed {
            self.flush()?;
        } else {
            headers = self.headers()?;
            if is_request {
                let text = self.parser.assembly.borrow().url.clone();
                url = self.text(&text)?;
            }
        }
        if is_request {
            method = v8::Integer::new(self.scope, i32::try_from(head.method).unwrap_or(0)).into();
        } else {
            status = v8::Integer::new(self.scope, i32::from(head.status)).into();
            let text = self.parser.assembly.borrow().status.clone();
            status_text = self.text(&text)?;
        }
        let arguments = [
            v8::Integer::new(self.scope, i32::from(head.major)).into(),
            v8::Integer::new(self.scope, i32::from(head.minor)).into(),
            headers,
            method,
            url,
            status,
            status_text,
            v8::Boolean::new(self.scope, head.upgrade).into(),
            v8::Boolean::new(self.scope, head.keep_alive).into(),
        ];
        let Some(answer) = self.call(ON_HEADERS_COMPLETE, &arguments)? else { return Ok(Answer::Go) };
        let answer = answer.integer_value(self.scope).ok_or(Refusal::Threw)?;
        match answer {
            0 => Ok(Answer::Go),
            1 => Ok(Answer::NoBody),
            2 => Ok(Answer::Upgrade),
            _ => Err(Refusal::Error(ParseError::new("HPE_CB_HEADERS_COMPLETE", "User callback error"))),
        }
    }

    fn body(&mut self, piece: &[u8]) -> Told {
        let buffer =
            crate::bindings::buffer::from_bytes(self.scope, self.env, piece).ok_or(Refusal::Threw)?;
        self.call(ON_BODY, &[buffer]).map(drop)
    }

    fn chunk_extension(&mut self, piece: &[u8]) -> Told {
        let mut assembly = self.parser.assembly.borrow_mut();
        assembly.extension_bytes = assembly.extension_bytes.saturating_add(piece.len());
        if assembly.extension_bytes > CHUNK_EXTENSION_MAX {
            let overflow = ParseError::new("HPE_CHUNK_EXTENSIONS_OVERFLOW", "Chunk extensions overflow");
            return Err(Refusal::Error(overflow));
        }
        Ok(())
    }

    fn chunk_header(&mut self) -> Told {
        let mut assembly = self.parser.assembly.borrow_mut();
        assembly.header_bytes = 0;
        assembly.extension_bytes = 0;
        Ok(())
    }

    fn chunk_complete(&mut self) -> Told {
        self.parser.assembly.borrow_mut().header_bytes = 0;
        Ok(())
    }

    fn message_complete(&mut self) -> Told {
        self.parser.progress.since.set(None);
        self.parser.set_active(false);
        let has_fields = !self.parser.assembly.borrow().fields.is_empty();
        if has_fields {
            self.flush()?;
        }
        self.call(ON_MESSAGE_COMPLETE, &[]).map(drop)
    }
}
