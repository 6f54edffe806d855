// Starts the switcher in its own small window.

import { mount } from "svelte";
import "./fonts.css";
import "./tokens.css";
import "./base.css";
import Switcher from "./views/Switcher.svelte";

const target = document.getElementById("app");
if (target === null) throw new Error("switcher.html has no #app");

mount(Switcher, { target });
