//! What pipes and TCP sockets do alike: being bound, listening, accepting, connecting.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use isolate::library::{Delivery, OperationId, Scope, forget, spawn, string};
use kernel::Process;
use kernel::net::{Bound, BoundPath, Connecting, Connection, Endpoint, Listener, SocketError};

use crate::binding::{self, set, set_number};
use crate::environment::Env;
use crate::handle;
use crate::handle_wrap::{self, Handle, later};
use crate::refusal;
use crate::request;
use crate::stream_base::{ECANCELED, EINVAL, ENOMEM, End, Stream};

const EALREADY: i32 = -114;
const EISCONN: i32 = -106;

/// What a stream is as a socket.
#[derive(Default)]
pub(crate) struct Socket {
    state: RefCell<State>,
    /// An error of binding is told by whatever comes next, as libuv does.
    delayed: Cell<i32>,
    connecting: RefCell<Option<Pending>>,
    /// A name in the filesystem that goes when the socket is closed.
    name: RefCell<Option<(Arc<Process>, String)>>,
}

#[derive(Default)]
enum State {
    #[default]
    Fresh,
    Bound(Bound),
    BoundPath(BoundPath),
    Listening(Arc<Listener>),
}

struct Pending {
    request: v8::Global<v8::Object>,
    operation: Option<OperationId>,
}

impl Socket {
    /// Lets go of addresses and names.
    pub fn close(&self) {
        let state = self.state.take();
        drop(state);
        if let Some((process, path)) = self.name.take() {
            let _ = process.unlink(&path);
        }
    }

    /// A connection that is being made is not wanted any more.
    pub fn cancel(&self, env: &Rc<Env>, handle: &Rc<Handle>) {
        let Some(Pending { request, operation }) = self.connecting.take() else { return };
        if let (Some(operation), Some(realm)) = (operation, env.realm()) {
            forget(&env.core, &realm, operation);
        }
        let (handle, then) = (handle.clone(), env.clone());
        later(env, move |scope| tell(scope, &then, &handle, &request, ECANCELED));
    }

    pub fn is_bound(&self) -> bool {
        !matches!(*self.state.borrow(), State::Fresh) || self.delayed.get() != 0
    }

    /// Takes an address. An error's number, or 0.
    pub fn bind(&self, bound: Result<Bound, SocketError>) -> i32 {
        if self.is_bound() {
            return EINVAL;
        }
        match bound {
            Ok(bound) => *self.state.borrow_mut() = State::Bound(bound),
            Err(SocketError::Eaddrinuse) => self.delayed.set(-SocketError::Eaddrinuse.code()),
            Err(error) => return -error.code(),
        }
        0
    }

    /// Takes a name.
    pub fn bind_path(&self, bound: Result<BoundPath, SocketError>, process: &Arc<Process>) -> i32 {
        match bound {
            Ok(bound) => {
                if !bound.path().starts_with('\0') {
                    *self.name.borrow_mut() = Some((process.clone(), bound.path().to_owned()));
                }
                *self.state.borrow_mut() = State::BoundPath(bound);
                0
            }
            Err(error) => -error.code(),
        }
    }

    /// Its own address: what it is bound to.
    pub fn local(&self) -> Result<Option<SocketAddr>, i32> {
        if self.delayed.get() != 0 {
            return Err(self.delayed.get());
        }
        Ok(match &*self.state.borrow() {
            State::Bound(bound) => Some(bound.address()),
            State::Listening(listener) => match listener.local() {
                Endpoint::Inet(address) => Some(address),
                Endpoint::Unix(_) => None,
            },
            State::Fresh | State::BoundPath(_) => None,
        })
    }

    /// What it is bound to, for a connection from there.
    pub fn take_bound(&self) -> Result<Option<Bound>, i32> {
        if self.delayed.get() != 0 {
            return Err(self.delayed.get());
        }
        let mut state = self.state.borrow_mut();
        match std::mem::take(&mut *state) {
            State::Bound(bound) => Ok(Some(bound)),
            other => {
                *state = other;
                Ok(None)
            }
        }
    }
}

/// Listens; `class` is what accepted connections are. An error's number, or 0.
pub(crate) fn listen(
    env: &Rc<Env>,
    handle: &Rc<Handle>,
    stream: &Rc<Stream>,
    backlog: u32,
    class: &'static str,
) -> i32 {
    if stream.socket.delayed.get() != 0 {
        return stream.socket.delayed.get();
    }
    if !handle.is_open() || stream.is_connected() {
        return EINVAL;
    }
    let state = stream.socket.state.take();
    let listener = match state {
        State::Bound(bound) => bound.listen(backlog),
        State::BoundPath(bound) => bound.listen(backlog),
        State::Listening(listener) => {
            *stream.socket.state.borrow_mut() = State::Listening(listener);
            return 0;
        }
        State::Fresh => {
            let any = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);
            let network = env.core.settings().kernel.network();
            match network.bind(kernel::net::Family::Tcp, any, false, false) {
                Ok(bound) if class == "TCP" => bound.listen(backlog),
                Ok(_) => return EINVAL,
                Err(error) => return -error.code(),
            }
        }
    };
    *stream.socket.state.borrow_mut() = State::Listening(listener.clone());
    if accept_on(env, handle, listener, class) { 0 } else { ENOMEM }
}

/// Waits for the next connection. Whether that could be begun.
fn accept_on(env: &Rc<Env>, handle: &Rc<Handle>, listener: Arc<Listener>, class: &'static str) -> bool {
    let (known, then) = (handle.clone(), env.clone());
    let future = async move {
        let connection = poll_fn(|cx| listener.poll_accept(cx)).await;
        let deliver: Delivery = Box::new(move |scope| {
            if !known.is_open() {
                return Some(());
            }
            accept_on(&then, &known, listener, class);
            accepted(scope, &then, &known, connection, class)
        });
        deliver
    };
    handle.begin(env, future).is_some()
}

fn accepted(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    handle: &Rc<Handle>,
    connection: Arc<Connection>,
    class: &'static str,
) -> Option<()> {
    let kind = v8::Integer::new(scope, 0).into();
    let object = handle::construct(scope, env, class, &[kind])?;
    let (_, client) = handle_wrap::of::<Stream>(scope, env, object.into())?;
    let end = End::socket(connection);
    client.connect(Some(end.clone()), Some(end));
    let status = v8::Integer::new(scope, 0).into();
    handle.call(scope, env, "onconnection", &[status, object.into()]).map(drop)
}

/// Begins to connect; the request is completed later. An error's number, or 0.
pub(crate) fn connect(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    handle: &Rc<Handle>,
    stream: &Rc<Stream>,
    request: v8::Local<'_, v8::Object>,
    connecting: Result<Connecting, SocketError>,
) -> i32 {
    if !handle.is_open() {
        return EINVAL;
    }
    if stream.is_connected() {
        return EISCONN;
    }
    if stream.socket.connecting.borrow().is_some() {
        return EALREADY;
    }
    let Some(realm) = env.realm() else { return ECANCELED };
    let request = v8::Global::new(scope, request);
    let (known, own, then) = (handle.clone(), stream.clone(), env.clone());
    let future = async move {
        let mut refusal = None;
        let made = match connecting {
            Ok(mut connecting) => {
                let made = poll_fn(|cx| connecting.poll(cx)).await;
                refusal = connecting.take_refusal();
                made
            }
            Err(error) => Err(error),
        };
        // Whoever listens in the same program is told first.
        let mut is_next_turn = false;
        poll_fn(|cx| match std::mem::replace(&mut is_next_turn, true) {
            true => Poll::Ready(()),
            false => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
        let deliver: Delivery = Box::new(move |scope| {
            // Cancelled meanwhile.
            let Some(pending) = own.socket.connecting.take() else { return Some(()) };
            let status = match made {
                Ok(connection) => {
                    let end = End::socket(connection);
                    own.connect(Some(end.clone()), Some(end));
                    0
                }
                Err(error) => -error.code(),
            };
            let reason = refusal.map(|error| error.message);
            refusal::told(&then, reason, || tell(scope, &then, &known, &pending.request, status))
        });
        deliver
    };
    let operation = spawn(&env.core, &realm, future);
    if operation.is_none() {
        return ENOMEM;
    }
    *stream.socket.connecting.borrow_mut() = Some(Pending { request, operation });
    0
}

/// Completes a request to connect.
fn tell(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    handle: &Rc<Handle>,
    request: &v8::Global<v8::Object>,
    status: i32,
) -> Option<()> {
    let request = v8::Local::new(scope, request);
    let undefined: v8::Local<v8::Value> = v8::undefined(scope).into();
    let object = handle.object(scope).map_or(undefined, Into::into);
    let there = v8::Boolean::new(scope, status == 0).into();
    let status = v8::Integer::new(scope, status).into();
    request::complete(scope, env, request, &[status, object, request.into(), there, there])
}

/// The address that a text and a number stand for.
pub(crate) fn address(
    scope: &mut Scope<'_, '_>,
    host: v8::Local<'_, v8::Value>,
    port: v8::Local<'_, v8::Value>,
    version_6: bool,
) -> Option<SocketAddr> {
    let host: v8::Local<v8::String> = host.try_cast().ok()?;
    if host.length() > 64 {
        return None;
    }
    let host = host.to_rust_string_lossy(scope);
    // What follows a `%` names an interface, of which there is one.
    let host = host.split('%').next().unwrap_or_default();
    let address: IpAddr = host.parse().ok()?;
    if address.is_ipv6() != version_6 {
        return None;
    }
    let port = port.integer_value(scope).and_then(|port| u16::try_from(port).ok())?;
    Some(SocketAddr::new(address, port))
}

/// Tells an address to JavaScript: sets `address`, `family` and `port`.
pub(crate) fn describe(
    scope: &mut Scope<'_, '_>,
    target: v8::Local<'_, v8::Object>,
    address: SocketAddr,
) -> Option<()> {
    let text = string(scope, &address.ip().to_string());
    let family = string(scope, if address.is_ipv6() { "IPv6" } else { "IPv4" });
    set(scope, target, "address", text.into())?;
    set(scope, target, "family", family.into())?;
    set_number(scope, target, "port", f64::from(address.port()))
}

/// The class of a kind of stream, under way to its binding.
pub(crate) fn class<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    name: &'static str,
    constructor: v8::FunctionCallback,
    methods: &[binding::Function],
) -> Option<binding::Class<'s>> {
    let class = binding::Class::new(scope, name, constructor)?;
    let parent = crate::stream_base::base(scope, env)?;
    class.template.inherit(parent);
    class.methods(scope, methods)?;
    class.keep(scope, env, name);
    Some(class)
}
