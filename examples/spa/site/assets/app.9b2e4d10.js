// Every address of the application is answered with index.html; which view it means is decided here.
const views = { "/": "首页", "/about": "关于我们" };
const main = document.querySelector("main");

function show() {
  const heading = document.createElement("h1");
  heading.textContent = views[location.pathname] ?? "找不到";
  main.replaceChildren(heading);
}

addEventListener("popstate", show);
show();
