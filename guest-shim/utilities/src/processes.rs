//! The processes of the virtual machine, as `/proc` tells of them: for `ps`, `pidof`, `pgrep` and their like.

use cordon_vm::filesystem;

/// A process as `/proc` shows it.
pub struct Process {
    pub id: u32,
    pub name: String,
    pub state: char,
    pub parent: u32,
    pub group: u32,
    pub session: u32,
    pub terminal: u32,
    /// In hundredths of a second.
    pub used: u64,
    pub nice: i64,
    pub threads: u64,
    pub start: u64,
    pub size: u64,
    pub resident: u64,
    pub user: u32,
    /// The words of its command line, with a NUL behind each.
    words: String,
}

/// Every process, by id.
pub fn processes() -> Vec<Process> {
    let mut found: Vec<Process> = filesystem::read_directory("/proc")
        .unwrap_or_default()
        .into_iter()
        .filter_map(|entry| process_of(entry.name.parse().ok()?))
        .collect();
    found.sort_by_key(|process| process.id);
    found
}

/// What `/proc` tells of a process, while it is there.
pub fn process_of(id: u32) -> Option<Process> {
    let text = |name: &str| filesystem::read_file(&format!("/proc/{id}/{name}")).ok();
    let stat = String::from_utf8_lossy(&text("stat")?).into_owned();
    // The name may hold anything, so what follows it is looked for from the end.
    let (open, close) = (stat.find('(')?, stat.rfind(')')?);
    let name = stat.get(open + 1..close)?.to_owned();
    let fields: Vec<&str> = stat[close + 1..].split_whitespace().collect();
    fn number<T: std::str::FromStr + Default>(fields: &[&str], at: usize) -> T {
        fields.get(at).and_then(|field| field.parse().ok()).unwrap_or_default()
    }
    let status = String::from_utf8_lossy(&text("status").unwrap_or_default()).into_owned();
    let user = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or_default();
    let words = String::from_utf8_lossy(&text("cmdline").unwrap_or_default()).into_owned();
    Some(Process {
        id,
        words,
        name,
        state: fields.first().and_then(|state| state.chars().next()).unwrap_or('?'),
        parent: number(&fields, 1),
        group: number(&fields, 2),
        session: number(&fields, 3),
        terminal: number(&fields, 4),
        used: number::<u64>(&fields, 11) + number::<u64>(&fields, 12),
        nice: number(&fields, 16),
        threads: number(&fields, 17),
        start: number(&fields, 19),
        size: number::<u64>(&fields, 20) / 1024,
        resident: number::<u64>(&fields, 21) * 4,
        user,
    })
}

impl Process {
    /// The words of its command line, without what is empty.
    pub fn words(&self) -> Vec<&str> {
        self.words.split('\0').filter(|word| !word.is_empty()).collect()
    }

    /// Its command line as it is.
    pub fn line(&self) -> String {
        self.words.trim_end_matches('\0').replace('\0', " ")
    }

    /// Its command line for a list; its name where it has none.
    pub fn command(&self) -> String {
        let words = self.words.split('\0').map(|word| word.replace(|letter: char| letter.is_control(), "?"));
        let command = words.collect::<Vec<_>>().join(" ").trim_end().to_owned();
        if command.is_empty() { format!("[{}]", self.name) } else { command }
    }
}
