// One mail by nodemailer, as a web application would send it. In: JSON on standard input (host, port, secure,
// requireTLS, ca, auth, method, from, to, dsn, file). Out: the server's last reply on standard output.
"use strict";

const fs = require("fs");
const nodemailer = require("nodemailer");

const asked = JSON.parse(fs.readFileSync(0, "utf8"));
const transport = nodemailer.createTransport({
  host: asked.host,
  port: asked.port,
  lmtp: asked.lmtp,
  secure: asked.secure,
  requireTLS: asked.requireTLS,
  ignoreTLS: !asked.secure && !asked.requireTLS,
  auth: asked.auth && { type: "login", ...asked.auth },
  authMethod: asked.method,
  name: "client.example.com",
  tls: { ca: fs.readFileSync(asked.ca) },
});
transport
  .sendMail({
    envelope: { from: asked.from, to: asked.to, dsn: asked.dsn },
    from: asked.from,
    to: asked.to,
    subject: "From nodemailer",
    text: "As agreed.",
    attachments: [{ path: asked.file }],
  })
  .then((sent) => console.log(sent.response))
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
