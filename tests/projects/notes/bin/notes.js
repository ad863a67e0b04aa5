#!/usr/bin/env node
import { program } from "../src/program.js";

await program.parseAsync();
