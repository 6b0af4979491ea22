// Says above the list how many decisions were made since it was shown. Without this file the list is as it was.
"use strict";
const news = document.querySelector("[data-news]");
if (news && "EventSource" in window) {
  const link = news.querySelector("a");
  let count = 0;
  const source = new EventSource("/events/stream?after=" + encodeURIComponent(news.dataset.news));
  source.addEventListener("decided", () => {
    count += 1;
    link.textContent = link.dataset.text.replace("{count}", String(count));
    link.hidden = false;
  });
  addEventListener("pagehide", () => source.close());
}
