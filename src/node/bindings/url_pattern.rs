//! `URLPattern`: what its texts mean is the crate's to say; V8's own regular expressions match.

use std::borrow::Cow;
use std::rc::Rc;

use isolate::library::{Scope, string};
use urlpattern::UrlPatternOptions;
use urlpattern::quirks::{self, EcmaRegexp, MatchInput, StringOrInit, UrlPatternInit};

use crate::binding::{Args, Binding, Class, Return, functions, get, set};
use crate::coded_error::{Kind, throw};
use crate::environment::Env;
use crate::handle;

pub(super) static BINDING: Binding = Binding { name: "url_pattern", functions: &[], make: Some(make) };

/// The components, in the order of everything here.
const NAMES: [&str; 8] =
    ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"];

struct Component {
    text: String,
    regexp: v8::Global<v8::RegExp>,
    groups: Vec<String>,
}

/// The native half of an `URLPattern`.
struct Pattern {
    components: Vec<Component>,
    has_groups: bool,
}

macro_rules! getters {
    ($class:ident, $scope:ident, $($name:literal => $index:literal,)*) => {
        $({
            fn getter(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
                component(scope, &args, result, $index);
            }
            $class.getter($scope, $name, v8::MapFnTo::map_fn_to(getter))?;
        })*
    };
}

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let class = Class::new(scope, "URLPattern", v8::MapFnTo::map_fn_to(construct))?;
    getters! {
        class, scope,
        "protocol" => 0,
        "username" => 1,
        "password" => 2,
        "hostname" => 3,
        "port" => 4,
        "pathname" => 5,
        "search" => 6,
        "hash" => 7,
    }
    class.getter(scope, "hasRegExpGroups", v8::MapFnTo::map_fn_to(has_regexp_groups))?;
    class.methods(scope, functions! { "exec" => exec, "test" => test, })?;
    let tag = v8::Symbol::get_to_string_tag(scope);
    let name = v8::String::new(scope, "URLPattern")?;
    let attributes = v8::PropertyAttribute::READ_ONLY | v8::PropertyAttribute::DONT_ENUM;
    class.template.prototype_template(scope).set_with_attr(tag.into(), name.into(), attributes);
    class.publish(scope, binding, "URLPattern")
}

fn component(scope: &mut Scope<'_, '_>, args: &Args<'_>, mut result: Return<'_>, index: usize) {
    let Some((_, pattern)) = handle::receiver::<Pattern>(scope, args.this()) else { return };
    if let Some(component) = pattern.components.get(index) {
        result.set(string(scope, &component.text).into());
    }
}

fn has_regexp_groups(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, pattern)) = handle::receiver::<Pattern>(scope, args.this()) {
        result.set_bool(pattern.has_groups);
    }
}

/// A string's text; none for what is no string. The outer `None` has an exception pending.
fn text(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<Option<String>> {
    match value.try_cast::<v8::String>() {
        Ok(text) => isolate::library::text(scope, text).map(Some),
        Err(_) => Some(None),
    }
}

/// The components that an object has as strings. `None` with an exception pending if a getter threw.
fn init(scope: &mut Scope<'_, '_>, object: v8::Local<'_, v8::Object>) -> Option<UrlPatternInit> {
    let mut field = |name: &str| {
        let value = get(scope, object, name)?;
        text(scope, value)
    };
    Some(UrlPatternInit {
        protocol: field("protocol")?,
        username: field("username")?,
        password: field("password")?,
        hostname: field("hostname")?,
        port: field("port")?,
        pathname: field("pathname")?,
        search: field("search")?,
        hash: field("hash")?,
        base_url: field("baseURL")?,
    })
}

/// An input: a text, or an object. `None` with an exception pending if it is neither.
fn input(
    scope: &mut Scope<'_, '_>,
    value: v8::Local<'_, v8::Value>,
    message: &str,
) -> Option<StringOrInit<'static>> {
    if value.is_null_or_undefined() {
        return Some(StringOrInit::Init(UrlPatternInit::default()));
    }
    if let Some(text) = text(scope, value)? {
        return Some(StringOrInit::String(Cow::Owned(text)));
    }
    match value.try_cast::<v8::Object>() {
        Ok(object) => init(scope, object).map(StringOrInit::Init),
        Err(_) => {
            throw(scope, Kind::Type, message, "ERR_INVALID_ARG_TYPE");
            None
        }
    }
}

/// (input, base or options, options)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        let message = "Cannot call constructor without `new`";
        return throw(scope, Kind::Type, message, "ERR_CONSTRUCT_CALL_REQUIRED");
    }
    let Some(env) = Env::of(scope) else { return };
    let Some(input) = input(scope, args.get(0), "Input must be an object or a string") else { return };
    let mut options = args.get(2);
    let mut base = None;
    let second = args.get(1);
    if !second.is_undefined() {
        let Some(text) = text(scope, second) else { return };
        if text.is_none() {
            if !second.is_object() {
                let message = "second argument must be a string or object";
                return throw(scope, Kind::Type, message, "ERR_INVALID_ARG_TYPE");
            }
            options = second;
        }
        base = text;
    }
    let ignore_case = if options.is_undefined() {
        false
    } else if let Ok(options) = options.try_cast::<v8::Object>() {
        let Some(value) = get(scope, options, "ignoreCase") else { return };
        value.boolean_value(scope)
    } else {
        return throw(scope, Kind::Type, "options must be an object", "ERR_INVALID_ARG_TYPE");
    };
    let options = UrlPatternOptions { ignore_case, ..UrlPatternOptions::default() };
    let parsed = quirks::process_construct_pattern_input(input, base.as_deref())
        .and_then(|init| quirks::parse_pattern::<EcmaRegexp>(init, options));
    let pattern = parsed.ok().and_then(|parsed| compile(scope, parsed, ignore_case));
    match pattern {
        Some(pattern) => {
            let _ = handle::attach(scope, &env, args.this(), Rc::new(pattern));
        }
        None => {
            let message = "Failed to construct URLPattern";
            throw(scope, Kind::Type, message, "ERR_INVALID_URL_PATTERN");
        }
    }
}

/// None if a regular expression is none.
fn compile(scope: &mut Scope<'_, '_>, parsed: quirks::UrlPattern, ignore_case: bool) -> Option<Pattern> {
    v8::tc_scope!(let attempt, scope);
    let mut flags = v8::RegExpCreationFlags::UNICODE_SETS;
    if ignore_case {
        flags |= v8::RegExpCreationFlags::IGNORE_CASE;
    }
    let has_groups = parsed.has_regexp_groups;
    let parsed = [
        parsed.protocol,
        parsed.username,
        parsed.password,
        parsed.hostname,
        parsed.port,
        parsed.pathname,
        parsed.search,
        parsed.hash,
    ];
    let mut components = Vec::new();
    for component in parsed {
        let source = string(attempt, &component.regexp_string);
        let regexp = v8::RegExp::new(attempt, source, flags)?;
        components.push(Component {
            text: component.pattern_string,
            regexp: v8::Global::new(attempt, regexp),
            groups: component.group_name_list,
        });
    }
    Some(Pattern { components, has_groups })
}

/// An input that is matched: its parts, and what is told of it. The inner `None`: it is no URL. The outer has an exception
/// pending.
type Matched = Option<(MatchInput, quirks::Inputs<'static>)>;

fn matched(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<Matched> {
    let message = "URLPattern input needs to be a string or an object";
    let input = input(scope, args.get(0), message)?;
    let base = text(scope, args.get(1))?;
    match quirks::process_match_input(input, base.as_deref()) {
        Ok(Some((input, inputs))) => Some(quirks::parse_match_input(input).map(|input| (input, inputs))),
        Ok(None) => Some(None),
        Err(_) => {
            throw(scope, Kind::Type, "Failed to exec URLPattern", "ERR_OPERATION_FAILED");
            None
        }
    }
}

fn parts(input: MatchInput) -> [String; 8] {
    [
        input.protocol,
        input.username,
        input.password,
        input.hostname,
        input.port,
        input.pathname,
        input.search,
        input.hash,
    ]
}

/// What a component's regular expression finds in a text: the whole and its groups. The inner `None`: nothing.
fn find<'s>(
    scope: &mut Scope<'s, '_>,
    component: &Component,
    text: v8::Local<'s, v8::String>,
) -> Option<Option<v8::Local<'s, v8::Object>>> {
    let regexp = v8::Local::new(scope, &component.regexp);
    let found: v8::Local<v8::Value> = regexp.exec(scope, text)?.into();
    Some(found.try_cast::<v8::Array>().ok().map(Into::into))
}

/// (input, base) -> whether it matches
fn test(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, pattern)) = handle::receiver::<Pattern>(scope, args.this()) else { return };
    let Some(matched) = matched(scope, &args) else { return };
    let Some((input, _)) = matched else { return result.set_bool(false) };
    for (component, part) in pattern.components.iter().zip(parts(input)) {
        let part = string(scope, &part);
        match find(scope, component, part) {
            Some(Some(_)) => {}
            Some(None) => return result.set_bool(false),
            None => return,
        }
    }
    result.set_bool(true);
}

/// (input, base) -> what each component has matched; null if one has not
fn exec(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, pattern)) = handle::receiver::<Pattern>(scope, args.this()) else { return };
    let Some(matched) = matched(scope, &args) else { return };
    let Some((input, inputs)) = matched else { return result.set_null() };
    match found(scope, &pattern, input, inputs) {
        Some(Some(object)) => result.set(object.into()),
        Some(None) => result.set_null(),
        None => {}
    }
}

fn found<'s>(
    scope: &mut Scope<'s, '_>,
    pattern: &Pattern,
    input: MatchInput,
    inputs: quirks::Inputs<'static>,
) -> Option<Option<v8::Local<'s, v8::Object>>> {
    let null = v8::null(scope).into();
    let object = v8::Object::with_prototype_and_properties(scope, null, &[], &[]);
    let first = match inputs.0 {
        StringOrInit::String(text) => string(scope, &text).into(),
        StringOrInit::Init(init) => described(scope, init)?.into(),
    };
    let mut list: Vec<v8::Local<v8::Value>> = vec![first];
    if let Some(base) = inputs.1 {
        list.push(string(scope, &base).into());
    }
    let list = v8::Array::new_with_elements(scope, &list);
    set(scope, object, "inputs", list.into())?;
    for ((component, part), name) in pattern.components.iter().zip(parts(input)).zip(NAMES) {
        let part = string(scope, &part);
        let Some(found) = find(scope, component, part)? else { return Some(None) };
        let groups = v8::Object::with_prototype_and_properties(scope, null, &[], &[]);
        for (group, index) in component.groups.iter().zip(1..) {
            let value = found.get_index(scope, index)?;
            set(scope, groups, group, value)?;
        }
        let entry = v8::Object::new(scope);
        set(scope, entry, "input", part.into())?;
        set(scope, entry, "groups", groups.into())?;
        set(scope, object, name, entry.into())?;
    }
    Some(Some(object))
}

/// An object as it was given, of what it was taken for.
fn described<'s>(scope: &mut Scope<'s, '_>, init: UrlPatternInit) -> Option<v8::Local<'s, v8::Object>> {
    let object = v8::Object::new(scope);
    let fields = [
        ("protocol", init.protocol),
        ("username", init.username),
        ("password", init.password),
        ("hostname", init.hostname),
        ("port", init.port),
        ("pathname", init.pathname),
        ("search", init.search),
        ("hash", init.hash),
        ("baseURL", init.base_url),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            let value = string(scope, &value);
            set(scope, object, name, value.into())?;
        }
    }
    Some(object)
}
