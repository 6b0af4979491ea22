// Asks the device for a key, or to make one, and sends what it gives with the form. No passkey can do without a script.
"use strict";
const form = document.querySelector("form[data-passkey]");
const button = form.querySelector("button");
const failed = form.querySelector("[data-failed]");
const asked = JSON.parse(form.dataset.passkey);

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function answer() {
  const listed = (keys) => (keys || []).map((key) => ({ ...key, id: bytes(key.id) }));
  const publicKey = { ...asked, challenge: bytes(asked.challenge) };
  if (asked.user) {
    publicKey.user = { ...asked.user, id: bytes(asked.user.id) };
    publicKey.excludeCredentials = listed(asked.excludeCredentials);
    return navigator.credentials.create({ publicKey });
  }
  publicKey.allowCredentials = listed(asked.allowCredentials);
  return navigator.credentials.get({ publicKey });
}

function told(key) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (key.response[name]) response[name] = text(key.response[name]);
  }
  return JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, response });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  failed.hidden = true;
  button.disabled = true;
  try {
    form.elements.answer.value = told(await answer());
    form.submit();
  } catch {
    failed.hidden = false;
    button.disabled = false;
  }
});
button.disabled = !window.PublicKeyCredential;
