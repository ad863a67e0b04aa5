import { nothing } from "../src/money.js";

nothing();
