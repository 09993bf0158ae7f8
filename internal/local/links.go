package main

import (
	"crypto/rand"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/objects"
)

// fileLinks are links to single files of a folder of objects, each until its time is over: here they are what presigned URLs are at S3.
// They are signed with a key of this process's own, and end with it.
type fileLinks struct {
	root  string
	clock clock.Clock
	key   []byte
	base  string // of the HTTP front; set before anything is served
}

func newFileLinks(root string, c clock.Clock) *fileLinks {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return &fileLinks{root: root, clock: c, key: key}
}

// objects is the folder, with these links to its files.
func (l *fileLinks) objects() objects.Dir { return objects.Dir{Root: l.root, Links: l.link} }

// fileAudience is what these tokens are for.
var fileAudience = jwt.Audience{"gimbal-fleet/files"}

func (l *fileLinks) link(key, name string, valid time.Duration) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: l.key}, nil)
	if err != nil {
		return "", err
	}
	token, err := jwt.Signed(signer).Claims(jwt.Claims{Subject: key, ID: name, Audience: fileAudience, Expiry: jwt.NewNumericDate(l.clock.Now().Add(valid))}).Serialize()
	return l.base + "/files/" + token, err
}

// ServeHTTP gives the file that a link is to: 403 where the link is none, or its time is over.
func (l *fileLinks) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	var c jwt.Claims
	token, err := jwt.ParseSigned(r.PathValue("token"), []jose.SignatureAlgorithm{jose.HS256})
	if err == nil {
		err = token.Claims(l.key, &c)
	}
	if err == nil {
		err = c.ValidateWithLeeway(jwt.Expected{AnyAudience: fileAudience, Time: l.clock.Now()}, 0)
	}
	if err != nil || c.Expiry == nil || !l.clock.Now().Before(c.Expiry.Time()) {
		http.Error(out, "This link is not valid, or not any more.", http.StatusForbidden)
		return
	}
	file, err := l.objects().Read(r.Context(), c.Subject, 0)
	if err != nil {
		http.Error(out, "The file is not there.", http.StatusNotFound)
		return
	}
	defer func() { _ = file.Close() }() // only read
	for name, value := range map[string]string{"Content-Disposition": mime.FormatMediaType("attachment", map[string]string{"filename": c.ID}),
		"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
		out.Header().Set(name, value)
	}
	if whole, ok := file.(io.ReadSeeker); ok {
		http.ServeContent(out, r, "", time.Time{}, whole) // in ranges, too: a download that broke off goes on
	}
}
