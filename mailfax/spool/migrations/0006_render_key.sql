-- What a document was made of: the same mail sent again within a day gets the same pages, and is not drawn again.

ALTER TABLE document ADD COLUMN render_key TEXT NOT NULL DEFAULT '';
CREATE INDEX document_render_key ON document (render_key);
