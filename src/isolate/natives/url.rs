//! `URL` and `URLSearchParams` over the crate `url`: the state is the serialized URL, which JavaScript keeps.

use ::url::{Url, form_urlencoded, quirks};

use super::{Args, Native, Return, array_of, natives, text_of, texts_of, u32_of};
use crate::core::{Scope, string};

pub(super) static NATIVES: &[Native] = natives! {
    "urlParse" => parse,
    "urlSet" => set,
    "formParse" => form_parse,
    "formSerialize" => form_serialize,
};

/// href, origin, protocol, username, password, host, hostname, port, pathname, search, hash
fn parts(url: &Url) -> Vec<String> {
    [
        quirks::href(url),
        &quirks::origin(url),
        quirks::protocol(url),
        quirks::username(url),
        quirks::password(url),
        quirks::host(url),
        quirks::hostname(url),
        quirks::port(url),
        quirks::pathname(url),
        quirks::search(url),
        quirks::hash(url),
    ]
    .map(str::to_owned)
    .into()
}

/// (input, base or undefined) -> parts, or undefined if it is none
fn parse(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(input) = text_of(scope, &args, 0) else { return };
    let base = if args.get(1).is_undefined() {
        None
    } else {
        let Some(base) = text_of(scope, &args, 1) else { return };
        match Url::parse(&base) {
            Ok(base) => Some(base),
            Err(_) => return,
        }
    };
    if let Ok(url) = Url::options().base_url(base.as_ref()).parse(&input) {
        result.set(array_of(scope, &parts(&url)).into());
    }
}

/// (href, index of the part, value) -> parts; a value that does not fit changes nothing
fn set(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let (Some(href), Some(value)) = (text_of(scope, &args, 0), text_of(scope, &args, 2)) else { return };
    let Ok(mut url) = Url::parse(&href) else { return };
    // What does not fit is ignored, as the standard's setters do.
    let _ignored = match u32_of(scope, &args, 1) {
        2 => quirks::set_protocol(&mut url, &value),
        3 => quirks::set_username(&mut url, &value),
        4 => quirks::set_password(&mut url, &value),
        5 => quirks::set_host(&mut url, &value),
        6 => quirks::set_hostname(&mut url, &value),
        7 => quirks::set_port(&mut url, &value),
        8 => {
            quirks::set_pathname(&mut url, &value);
            Ok(())
        }
        9 => {
            quirks::set_search(&mut url, &value);
            Ok(())
        }
        10 => {
            quirks::set_hash(&mut url, &value);
            Ok(())
        }
        _ => Ok(()),
    };
    result.set(array_of(scope, &parts(&url)).into());
}

/// (query) -> name, value, name, value, ...
fn form_parse(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(query) = text_of(scope, &args, 0) else { return };
    let pairs: Vec<String> = form_urlencoded::parse(query.as_bytes())
        .flat_map(|(k, v)| [k.into_owned(), v.into_owned()])
        .collect();
    result.set(array_of(scope, &pairs).into());
}

/// (name, value, name, value, ...) -> query
fn form_serialize(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(flat) = texts_of(scope, &args, 0) else { return };
    let mut query = form_urlencoded::Serializer::new(String::new());
    for pair in flat.chunks_exact(2) {
        query.append_pair(&pair[0], &pair[1]);
    }
    result.set(string(scope, &query.finish()).into());
}
