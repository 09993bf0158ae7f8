package supabase

import (
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// upload is a file that comes in parts.
type upload struct {
	Bucket  string `json:"bucket"`
	Path    string `json:"path"`
	Type    string `json:"type"`
	Cache   string `json:"cache"`
	Bytes   int64  `json:"bytes"` // announced
	Content []byte `json:"content"`
}

// uploadPart is what every part has to be, but the last one.
const uploadPart = 6 << 20

// tusFailed is an error of the protocol for uploads in parts: a plain status and a text.
func tusFailed(w http.ResponseWriter, status int, text string) { http.Error(w, text, status) }

// described reads the header in which an upload is described, or is false.
func described(header string) (map[string]string, bool) {
	about := map[string]string{}
	for pair := range strings.SplitSeq(header, ",") {
		name, encoded, _ := strings.Cut(strings.TrimSpace(pair), " ")
		text, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil, false
		}
		about[name] = string(text)
	}
	return about, true
}

// beginUpload begins an upload in parts.
func (s *Sim) beginUpload(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Tus-Resumable", "1.0.0")
	about, understood := described(r.Header.Get("Upload-Metadata"))
	length, err := strconv.ParseInt(r.Header.Get("Upload-Length"), 10, 64)
	if err != nil || length < 0 || !understood || r.Header.Get("Tus-Resumable") != "1.0.0" {
		tusFailed(w, http.StatusPreconditionFailed, "Upload-Length, Upload-Metadata and Tus-Resumable are required")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, _, allowed := s.service(r)
	if !allowed {
		tusFailed(w, http.StatusForbidden, "new row violates row-level security policy")
		return
	}
	b := p.bucket(about["bucketName"])
	if b == nil {
		tusFailed(w, http.StatusNotFound, "Bucket not found")
		return
	}
	if _, refused := b.refuses(about["objectName"], about["contentType"], length, r); refused {
		tusFailed(w, http.StatusRequestEntityTooLarge, "the bucket doesn't take the file")
		return
	}
	p.Begun++
	id := base64.RawURLEncoding.EncodeToString([]byte(p.Ref + "/" + b.ID + "/" + about["objectName"] + "/" + strconv.Itoa(p.Begun)))
	if p.Uploads == nil {
		p.Uploads = map[string]*upload{}
	}
	cache := "no-cache"
	if age := about["cacheControl"]; age != "" {
		cache = "max-age=" + age
	}
	p.Uploads[id] = &upload{b.ID, about["objectName"], about["contentType"], cache, length, nil}
	w.Header().Set("Location", origin(r)+"/storage/v1/upload/resumable/"+id)
	w.WriteHeader(http.StatusCreated)
}

// appendUpload takes the next part; the file is there with the last one.
func (s *Sim) appendUpload(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Tus-Resumable", "1.0.0")
	part, err := io.ReadAll(r.Body)
	offset, err2 := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || err2 != nil || r.Header.Get("Content-Type") != "application/offset+octet-stream" {
		tusFailed(w, http.StatusPreconditionFailed, "Upload-Offset and Content-Type are required")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, _, allowed := s.service(r)
	if !allowed {
		tusFailed(w, http.StatusForbidden, "new row violates row-level security policy")
		return
	}
	u, next := p.Uploads[r.PathValue("upload")], offset+int64(len(part))
	switch {
	case u == nil:
		tusFailed(w, http.StatusNotFound, "The file for this url was not found")
		return
	case offset != int64(len(u.Content)):
		tusFailed(w, http.StatusConflict, "Upload-Offset conflict")
		return
	case next > u.Bytes, len(part) != uploadPart && next != u.Bytes:
		tusFailed(w, http.StatusRequestEntityTooLarge, "the part has a wrong size")
		return
	}
	u.Content = append(u.Content, part...)
	if b := p.bucket(u.Bucket); b != nil && next == u.Bytes {
		s.put(p, b, u.Path, &object{Content: u.Content, Type: u.Type, Cache: u.Cache})
		delete(p.Uploads, r.PathValue("upload"))
	}
	w.Header().Set("Upload-Offset", strconv.FormatInt(next, 10))
	w.WriteHeader(http.StatusNoContent)
}
