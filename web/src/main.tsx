import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { Chat } from "./chat";
import { App } from "./components/App";
import "./styles.css";
import { browser } from "./world";

const page = document.getElementById("page");
if (page === null) throw new Error("index.html holds no element with the id page");

createRoot(page).render(
  <StrictMode>
    <App chat={new Chat(browser)} />
  </StrictMode>,
);
