package download

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/link"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// entry is one of the audit about the nth code of an export.
func entry(env step.Env, export string, n int, action, actor, detail string) fleet.AuditEntry {
	return fleet.AuditEntry{ID: "download/" + export + "/" + strconv.Itoa(n) + "/" + action + detail, Actor: actor, Action: "download." + action,
		Subject: export, Outcome: strings.TrimSpace("code " + strconv.Itoa(n) + " " + strings.TrimPrefix(detail, "/")), Request: env.Request}
}

// Who acts, as the audit names them: whoever has the link of the mail, and who has shown the code as well.
const (
	holder        = "link:export"
	administrator = "administrator"
)

// ask has a code mailed to the administrator. Who asks too often is a 429 fault.
func ask(ctx context.Context, env step.Env, w wanted) error {
	request := env.Nonce()
	return env.Store.Update(ctx, w.instance.ID, func(tx *store.Tx) error {
		d, err := tx.Download(w.export.ID)
		switch {
		case err != nil:
			return err
		case d == nil:
			d = &fleet.Download{InstanceID: w.instance.ID, Export: w.export.ID}
		case d.Request == request:
			return nil // by an earlier try of this very write
		}
		if before := d.Ask(tx.Now(), request); !before.IsZero() {
			return httpapi.Refuse(http.StatusTooManyRequests, fault.Throttled, "Codes were asked for too often. The next one can be asked for "+later(before.Sub(tx.Now()))+".")
		}
		tx.Audit(entry(env, d.Export, d.N, "asked", holder, ""))
		if err := tx.Intend(fleet.CodeMessage(d.Export, d.N), "admin"); err != nil {
			return err
		}
		return tx.PutDownload(d)
	})
}

func later(d time.Duration) string {
	if d <= time.Minute {
		return "in a minute"
	}
	return fmt.Sprintf("in %d minutes", int((d+time.Minute-1)/time.Minute))
}

// NewCode makes the nth code of an export for the mail that brings it. It is stored as a keyed hash, in the place of one that the
// same mail was to bring before. A code that nobody waits for any more is a Rejected fault.
func NewCode(ctx context.Context, env step.Env, instanceID, export string, n int) (provider.Secret, error) {
	number, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		return provider.Secret{}, &fault.Error{Code: fault.Internal, Text: "no code can be drawn", Err: err}
	}
	code := fmt.Sprintf("%0*d", fleet.CodeDigits, number)
	hashes, err := hashed(ctx, env, instanceID, export, n, code)
	if err != nil {
		return provider.Secret{}, err
	}
	return provider.NewSecret(code), env.Store.Update(ctx, instanceID, func(tx *store.Tx) error {
		d, err := tx.Download(export)
		if err != nil {
			return err
		}
		if !d.Wants(n, tx.Now()) {
			return fault.New(fault.Rejected, "nobody waits for this code any more")
		}
		d.Code = &fleet.DownloadCode{N: n, Hash: hashes[0], Until: tx.Now().Add(fleet.CodeValid)}
		return tx.PutDownload(d)
	})
}

// Awaited reports whether the nth code of an export is still to be sent.
func Awaited(tx *store.Tx, export string, n int) (bool, error) {
	d, err := tx.Download(export)
	return err == nil && d.Wants(n, tx.Now()), err
}

// Sent is the audit's entry about a code whose mail the vendor took.
func Sent(env step.Env, export string, n int) fleet.AuditEntry {
	return entry(env, export, n, "code_sent", "step:Deliver", "")
}

// hashed are a code's hashes under each of Fleet's secrets, the one first that signs. Who reads the table can't try codes out on them.
func hashed(ctx context.Context, env step.Env, instanceID, export string, n int, code string) (hashes [][]byte, err error) {
	secret, err := env.Provider.Credential(ctx, step.LinkSecret)
	if err != nil {
		return nil, err
	}
	keys, err := link.Keys(ctx, env, secret)
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write(fmt.Appendf(nil, "gimbal-fleet/download-code\n%s\n%s\n%d\n%s", instanceID, export, n, code))
		hashes = append(hashes, mac.Sum(nil))
	}
	return hashes, err
}

// spelt is a code as it was drawn, of what a person typed; empty for what can be none.
func spelt(typed string) string {
	code := strings.NewReplacer(" ", "", "-", "").Replace(typed)
	if len(code) != fleet.CodeDigits || strings.Trim(code, "0123456789") != "" {
		return ""
	}
	return code
}

// redeem uses a code up. A wrong one is a 422 fault, and counts; after fleet.CodeTries of them no other is taken.
func redeem(ctx context.Context, env step.Env, w wanted, typed string) (n int, err error) {
	code := spelt(typed)
	if code == "" {
		return 0, wrong("A code has " + strconv.Itoa(fleet.CodeDigits) + " digits.")
	}
	nonce := env.Nonce()
	var verdict error
	err = env.Store.Update(ctx, w.instance.ID, func(tx *store.Tx) error {
		d, err := still(tx, env, w)
		if err != nil {
			return err
		}
		if d == nil || d.Code == nil {
			return wrong("No code is good now: ask for one.")
		}
		n = d.Code.N
		hashes, err := hashed(ctx, env, w.instance.ID, w.export.ID, d.Code.N, code)
		if err != nil {
			return err
		}
		verdict, err = try(tx, env, d, hashes, nonce)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, verdict
}

// still reads how the export is being fetched, where it is still given.
func still(tx *store.Tx, env step.Env, w wanted) (*fleet.Download, error) {
	i, err := tx.Instance()
	if err != nil {
		return nil, err
	}
	if i == nil {
		return nil, forged()
	}
	if err := given(*i, w.export, env); err != nil {
		return nil, err
	}
	return tx.Download(w.export.ID)
}

// try judges a code by its hashes, each in the same time whatever it is, and writes what came of it: a wrong one's verdict is a fault.
func try(tx *store.Tx, env step.Env, d *fleet.Download, hashes [][]byte, nonce string) (verdict, err error) {
	c := d.Code
	switch {
	case c.Used == nonce:
		return nil, nil // by an earlier try of this very write
	case c.Tried == nonce:
		return mistyped(*c), nil
	case !c.Good(tx.Now()):
		return nil, wrong("No code is good now: ask for one.")
	}
	right := false
	for _, h := range hashes {
		right = hmac.Equal(h, c.Hash) || right
	}
	if right {
		c.Used = nonce
		tx.Audit(entry(env, d.Export, c.N, "code_right", administrator, ""))
		return nil, tx.PutDownload(d)
	}
	c.Tries, c.Tried = c.Tries+1, nonce
	tx.Audit(entry(env, d.Export, c.N, "code_wrong", holder, "/"+strconv.Itoa(c.Tries)))
	return mistyped(*c), tx.PutDownload(d)
}

func mistyped(c fleet.DownloadCode) error {
	if left := fleet.CodeTries - c.Tries; left > 0 {
		return wrong(fmt.Sprintf("That is not the code. Tries left: %d.", left))
	}
	return wrong("That is not the code, and it was tried too often: ask for another one.")
}

func wrong(text string) error {
	return httpapi.Refuse(http.StatusUnprocessableEntity, fault.Rejected, text)
}
