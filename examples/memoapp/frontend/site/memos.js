// Lists and adds memos. Everything that came from people is set as text, never as markup.
"use strict";

const REFRESH = 3000; // milliseconds
const part = (id) => document.getElementById(id);

function showState(kind, text) {
  part("state").dataset.kind = kind;
  part("state").textContent = text;
}

function showError(text) {
  part("error").hidden = !text;
  part("error").textContent = text;
}

function card(memo) {
  const item = document.createElement("li");
  item.textContent = memo.text;
  const time = document.createElement("time");
  time.dateTime = memo.createdAt;
  time.textContent = new Date(memo.createdAt).toLocaleString();
  item.append(time);
  return item;
}

async function call(path, options) {
  const answer = await fetch(path, options);
  part("version").textContent = answer.headers.get("X-Memo-Version") ?? "unknown";
  const isJson = (answer.headers.get("Content-Type") ?? "").startsWith("application/json");
  const document = isJson ? await answer.json() : {};
  if (!answer.ok) {
    throw new Error(document.error ?? `the server answered ${answer.status}`);
  }
  return document;
}

async function refresh() {
  try {
    const { memos, reads } = await call("/api/memos?limit=50");
    part("memos").replaceChildren(...memos.map(card));
    part("empty").hidden = memos.length > 0;
    part("reads").textContent = reads ?? "–";
    showState("good", "up to date");
  } catch (error) {
    showState("bad", error.message);
  }
}

async function add(event) {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  try {
    const body = JSON.stringify({ text: part("text").value });
    await call("/api/memos", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    part("text").value = "";
    showError("");
    await refresh();
  } catch (error) {
    showError(`Not kept: ${error.message}`);
  } finally {
    button.disabled = false;
  }
}

async function refreshForEver() {
  await refresh();
  setTimeout(refreshForEver, REFRESH);
}

part("add").addEventListener("submit", add);
refreshForEver();
