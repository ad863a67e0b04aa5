//! What is in a data base: tables, indexes, the statements that make them, and all of it as statements.

use crate::database::{Database, Failure};
use crate::render::{identifier, literal};
use crate::shell::Shell;

/// Shows names in as many columns as fit into 80 characters.
pub fn columns(shell: &mut Shell, names: &[String]) {
    if names.is_empty() {
        return;
    }
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let across = (80 / (width + 2)).max(1);
    let down = names.len().div_ceil(across);
    for row in 0..down {
        let line: Vec<String> =
            names.iter().skip(row).step_by(down).map(|name| format!("{name:<width$}")).collect();
        shell.say(&line.join("  "));
    }
}

/// The attached data bases: names, files, in their order.
pub fn databases(database: &Database) -> Result<Vec<(String, String)>, Failure> {
    database.rows("PRAGMA database_list", &[], |row| (row.lossy(1), row.lossy(2)))
}

/// Names of what `kinds` says, in all data bases; those of others than the main one with the name of theirs.
pub fn names(
    database: &Database,
    kinds: &str,
    column: &str,
    pattern: Option<&str>,
) -> Result<Vec<String>, Failure> {
    let parts: Vec<String> = databases(database)?
        .iter()
        .map(|(name, _)| {
            let prefix = if name == "main" { String::new() } else { format!("'{}.'||", name.replace('\'', "''")) };
            format!(
                "SELECT {prefix}name FROM {}.sqlite_schema WHERE type IN ({kinds}) AND name NOT LIKE 'sqlite\\_%' \
                 ESCAPE '\\' AND {column} LIKE ?1",
                identifier(name)
            )
        })
        .collect();
    database.texts(&format!("{} ORDER BY 1", parts.join(" UNION ALL ")), &[pattern.unwrap_or("%")])
}

/// Condition on a name by a pattern: as a shell has it where it looks like one.
fn matching(pattern: &str) -> &'static str {
    if pattern.contains(['*', '?', '[']) { "GLOB lower(?1)" } else { "LIKE ?1 ESCAPE '\\'" }
}

/// The statements that made what has a name like the pattern.
pub fn schema(
    shell: &mut Shell,
    database: &Database,
    pattern: Option<&str>,
    indents: bool,
    no_system: bool,
) -> Result<(), Failure> {
    if let Some(name @ ("sqlite_schema" | "sqlite_master" | "sqlite_temp_schema" | "sqlite_temp_master")) =
        pattern
    {
        shell.say(&format!(
            "CREATE TABLE {name} (\n  type text,\n  name text,\n  tbl_name text,\n  rootpage integer,\n  sql text\n);"
        ));
        return Ok(());
    }
    for (at, (name, _)) in databases(database)?.iter().enumerate() {
        let (prefix, bare) = match pattern.and_then(|pattern| pattern.split_once('.')) {
            Some((prefix, bare)) => (Some(prefix), Some(bare)),
            None => (None, pattern),
        };
        if prefix.is_some_and(|prefix| !prefix.eq_ignore_ascii_case(name)) {
            continue;
        }
        let bare = bare.unwrap_or("%");
        let system = if no_system { " AND name NOT LIKE 'sqlite__%' ESCAPE '_'" } else { "" };
        let sql = format!(
            "SELECT sql, type, name FROM {}.sqlite_schema WHERE sql IS NOT NULL AND lower(tbl_name) {}{system} ORDER BY rowid",
            identifier(name),
            matching(bare)
        );
        let found = database.rows(&sql, &[bare], |row| (row.lossy(0), row.lossy(1), row.lossy(2)))?;
        for (sql, kind, object) in found {
            let mut sql = if at > 0 { in_schema(&sql, &kind, name) } else { sql };
            if kind == "view" || sql.to_ascii_uppercase().starts_with("CREATE VIRTUAL") {
                let table = format!("PRAGMA {}.table_info({})", identifier(name), identifier(&object));
                let columns = database.rows(&table, &[], |row| identifier(&row.lossy(1))).unwrap_or_default();
                if !columns.is_empty() {
                    let prefix = if at > 0 { format!("{}.", identifier(name)) } else { String::new() };
                    sql = format!("{sql}\n/* {prefix}{}({}) */", identifier(&object), columns.join(","));
                }
            }
            let text = if indents { indented(&sql) } else { sql };
            shell.say(&format!("{};", create(&text)));
        }
    }
    Ok(())
}

/// A statement that makes something, in another data base than the main one.
fn in_schema(sql: &str, kind: &str, name: &str) -> String {
    let head = format!("CREATE {} ", kind.to_ascii_uppercase());
    match sql.get(..head.len()) {
        Some(own) if own.eq_ignore_ascii_case(&head) => {
            format!("{own}{}.{}", identifier(name), &sql[head.len()..])
        }
        _ => sql.into(),
    }
}

/// A table whose name is in quotes may be one that is made by something else.
fn create(sql: &str) -> String {
    match sql.strip_prefix("CREATE TABLE ") {
        Some(rest) if rest.starts_with(['"', '\'']) => format!("CREATE TABLE IF NOT EXISTS {rest}"),
        _ => sql.into(),
    }
}

/// A long statement in lines, one for each part between its outer parentheses.
fn indented(sql: &str) -> String {
    let upper = sql.to_ascii_uppercase();
    if upper.starts_with("CREATE VIEW")
        || upper.starts_with("CREATE TRIG")
        || sql.contains("--")
        || sql.contains("/*")
    {
        return sql.into();
    }
    let mut flat = String::with_capacity(sql.len());
    let mut quote = None;
    for character in sql.chars() {
        match quote {
            Some(end) if character == end => quote = None,
            Some(_) => {}
            None if character.is_whitespace() => {
                if !flat.ends_with([' ', '(']) {
                    flat.push(' ');
                }
                continue;
            }
            None if character == ')' && flat.ends_with(' ') => drop(flat.pop()),
            None if matches!(character, '"' | '\'' | '`') => quote = Some(character),
            None if character == '[' => quote = Some(']'),
            None => {}
        }
        flat.push(character);
    }
    if flat.len() < 79 {
        return flat;
    }
    let (mut lines, mut depth, mut quote) = (String::new(), 0_usize, None);
    for character in flat.chars() {
        match quote {
            Some(end) if character == end => quote = None,
            Some(_) => {}
            None => match character {
                '"' | '\'' | '`' => quote = Some(character),
                '[' => quote = Some(']'),
                '(' => depth += 1,
                ')' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        lines.push('\n');
                    }
                }
                ' ' if lines.ends_with("\n  ") => continue,
                _ => {}
            },
        }
        lines.push(character);
        if quote.is_none() && depth == 1 && matches!(character, '(' | ',') {
            lines.push_str("\n  ");
        }
    }
    lines
}

/// Writes all of a data base, or what has names like the patterns, as statements.
pub fn dump(
    shell: &mut Shell,
    database: &Database,
    patterns: &[String],
    only_data: bool,
) -> Result<(), Failure> {
    let patterns: Vec<&str> =
        if patterns.is_empty() { vec!["%"] } else { patterns.iter().map(String::as_str).collect() };
    if !only_data {
        shell.say("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;");
    }
    database.run("SAVEPOINT dump", &[])?;
    let outcome = dump_objects(shell, database, &patterns, only_data);
    let _ = database.run("RELEASE dump", &[]);
    let end = match &outcome {
        Ok(()) => "COMMIT;",
        Err(failure) => {
            shell.say(&format!("/****** ERROR: {} *******/", failure.message));
            "ROLLBACK; -- due to errors"
        }
    };
    if !only_data {
        shell.say(end);
    }
    Ok(())
}

fn dump_objects(
    shell: &mut Shell,
    database: &Database,
    patterns: &[&str],
    only_data: bool,
) -> Result<(), Failure> {
    let parts: Vec<String> = (1..=patterns.len()).map(|at| format!("name LIKE ?{at} ESCAPE '\\'")).collect();
    let named = parts.join(" OR ");
    let tables = database.rows(
        &format!(
            "SELECT name, sql FROM sqlite_schema WHERE ({named}) AND type='table' AND sql NOT NULL \
             ORDER BY tbl_name='sqlite_sequence', rowid"
        ),
        patterns,
        |row| (row.lossy(0), row.lossy(1)),
    )?;
    let mut writes_schema = false;
    for (name, sql) in tables {
        let is_virtual = sql.get(..20).is_some_and(|head| head.eq_ignore_ascii_case("CREATE VIRTUAL TABLE"));
        if name == "sqlite_sequence" {
            if !only_data {
                shell.say("DELETE FROM sqlite_sequence;");
            }
        } else if name.starts_with("sqlite_stat") {
            if !only_data {
                shell.say("ANALYZE sqlite_schema;");
            }
        } else if name.starts_with("sqlite_") {
            continue;
        } else if is_virtual {
            if !only_data {
                if !std::mem::replace(&mut writes_schema, true) {
                    shell.say("PRAGMA writable_schema=ON;");
                }
                let text = |text: &str| text.replace('\'', "''");
                shell.say(&format!(
                    "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','{0}','{0}',0,'{1}');",
                    text(&name),
                    text(&sql)
                ));
            }
            continue;
        } else if !only_data {
            shell.say(&format!("{};", create(&sql)));
        }
        rows(shell, database, &name)?;
    }
    if !only_data {
        let rest = format!(
            "SELECT sql FROM sqlite_schema WHERE ({named}) AND sql NOT NULL AND type IN ('index','trigger','view')"
        );
        for sql in database.texts(&rest, patterns)? {
            shell.say(&format!("{};", create(&sql)));
        }
        if writes_schema {
            shell.say("PRAGMA writable_schema=OFF;");
        }
    }
    Ok(())
}

/// The rows of a table as statements.
fn rows(shell: &mut Shell, database: &Database, table: &str) -> Result<(), Failure> {
    let columns = database
        .rows(&format!("PRAGMA table_info({})", identifier(table)), &[], |row| identifier(&row.lossy(1)))?;
    if columns.is_empty() {
        return Ok(());
    }
    let mut statement =
        database.statement(&format!("SELECT {} FROM {}", columns.join(","), identifier(table)))?;
    let head = format!("INSERT INTO {} VALUES(", identifier(table));
    while statement.step()? {
        let mut line = head.clone().into_bytes();
        for column in 0..columns.len() {
            if column > 0 {
                line.push(b',');
            }
            line.extend(literal(&mut statement, column, true));
        }
        line.extend_from_slice(b");\n");
        if shell.out().write_all(&line).is_err() {
            break;
        }
    }
    Ok(())
}
