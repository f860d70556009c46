// What an app's service worker does with our messages. Its tag lets a repetition replace itself.
"use strict";

const show = (message) =>
  self.registration.showNotification(message.title, {
    body: message.body,
    tag: message.tag,
    timestamp: Date.parse(message.sent_at),
    requireInteraction: message.urgent,
    data: message,
    actions: message.actions
      .slice(0, Notification.maxActions || 2)
      .map(({ action, title }) => ({ action, title })),
  });

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => event.waitUntil(show(event.data.json())));
self.addEventListener("message", (event) => event.waitUntil(show(event.data)));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { actions, act_url, url } = event.notification.data;
  const chosen = actions.find(({ action }) => action === event.action);
  event.waitUntil(
    chosen
      ? fetch(act_url + chosen.token, { method: "POST", mode: "no-cors", keepalive: true })
      : self.clients.openWindow(url),
  );
});
