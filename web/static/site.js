// On every page: "/" goes to the search box, Ctrl-K (or Cmd-K) opens the palette, arrows walk through what it found.
// What the server answers to a form is shown, errors too. The theme: the system's, light or dark, in a cookie, so that
// pages come in it.

const palette = document.getElementById("palette");

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && palette) {
    event.preventDefault();
    toggle();
    return;
  }
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  document.querySelector(".find input").focus();
});

function toggle() {
  if (palette.open) return palette.close();
  palette.showModal();
  palette.querySelector("input").select();
}

palette?.addEventListener("click", (event) => event.target === palette && palette.close()); // beside it
palette?.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const stops = [palette.querySelector("input"), ...palette.querySelectorAll("#found a[href]")];
  const at = stops.indexOf(document.activeElement) + by;
  stops[Math.max(0, Math.min(stops.length - 1, at))].focus();
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr, requestConfig } = event.detail;
  if (!target.matches("main")) return;
  const form = requestConfig.elt.closest("form"), wrong = form && xhr.status >= 400 ? errorOf(xhr.responseText) : "";
  if (wrong) return complain(form, wrong); // what was filled in stays
  event.detail.shouldSwap = true; // else htmx drops the page that says what was wrong
});

function errorOf(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const said = page.querySelectorAll("main .lede, main .lede ~ p:not(:last-child)");
  return [...said].map((part) => part.textContent.trim()).join(" ");
}

function complain(form, text) {
  let place = form.querySelector("[role=alert]");
  if (!place) {
    place = document.createElement("p");
    place.className = "notice wide";
    place.setAttribute("role", "alert");
    form.prepend(place);
  }
  place.textContent = text;
  place.scrollIntoView({ block: "nearest" });
}

const menu = document.querySelector(".top nav"), here = menu.querySelector("[aria-current]");
if (here) menu.scrollLeft = here.offsetLeft - menu.offsetLeft - 16; // a phone shows some of it: this page's part

// What scrolls sideways is reached by keys too, and then has a name: that of its section.
const sideways = new ResizeObserver((entries) => {
  for (const { target: box } of entries) {
    const heading = box.closest("section")?.querySelector("h2") ?? document.querySelector("h1");
    const named = { tabindex: "0", role: "group", "aria-label": heading?.textContent.trim() };
    for (const [name, text] of Object.entries(named)) {
      if (box.scrollWidth > box.clientWidth) box.setAttribute(name, text);
      else box.removeAttribute(name);
    }
  }
});

function watch(part) {
  for (const box of part.querySelectorAll(".scroll")) sideways.observe(box);
}

watch(document);
document.addEventListener("htmx:load", (event) => watch(event.detail.elt)); // what came later

const THEMES = { "": "as the system", light: "light", dark: "dark" };
const theme = document.getElementById("theme");

function tellTheme() {
  const name = `Colours: ${THEMES[document.documentElement.dataset.theme ?? ""]}`;
  theme.setAttribute("aria-label", name);
  theme.title = name;
}

if (theme) {
  theme.hidden = false; // without this script it would do nothing
  tellTheme();
  theme.addEventListener("click", () => {
    const names = Object.keys(THEMES), root = document.documentElement.dataset;
    const next = names[(names.indexOf(root.theme ?? "") + 1) % names.length];
    if (next) root.theme = next;
    else delete root.theme;
    document.cookie = `theme=${next}; Path=/; SameSite=Lax; Max-Age=${next ? 365 * 86400 : 0}`;
    tellTheme();
    document.dispatchEvent(new Event("theme"));
  });
}
