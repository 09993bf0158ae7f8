package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
)

// credentials are Fleet's own, by name. The simulators take the vendors' from here, so they open nothing elsewhere.
type credentials map[string]string

// newCredentials makes fresh ones, each in its vendor's format.
func newCredentials() credentials {
	return credentials{
		provider.SupabaseToken:   "sbp_" + hexadecimal(20),
		provider.VercelToken:     hexadecimal(12),
		provider.CloudflareToken: hexadecimal(20),
		provider.TwilioToken:     hexadecimal(16),
		provider.SendGridKey:     "SG." + hexadecimal(11) + "." + hexadecimal(20),
		step.WebhookSecret:       "whsec_" + base64.StdEncoding.EncodeToString(random(24)),
		step.OperatorToken:       hexadecimal(20),
		step.LinkSecret:          hexadecimal(32),
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

func hexadecimal(bytes int) string { return hex.EncodeToString(random(bytes)) }

// keptCredentials reads the credentials from a file that only its owner can read, or makes them and the file.
func keptCredentials(path string) (credentials, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		fresh := newCredentials()
		if text, err = json.MarshalIndent(fresh, "", "  "); err != nil {
			return nil, err
		}
		return fresh, writeFile(path, append(text, '\n'))
	}
	if err != nil {
		return nil, fmt.Errorf("read the credentials: %w", err)
	}
	kept := credentials{}
	if err := json.Unmarshal(text, &kept); err != nil {
		return nil, fmt.Errorf("the credentials in %s are damaged: delete it and all beside it to begin anew", path)
	}
	fresh := newCredentials()
	for name := range fresh {
		if kept[name] == "" && name != step.LinkSecret {
			return nil, fmt.Errorf("the credentials in %s lack %q", path, name)
		}
	}
	if kept[step.LinkSecret] != "" {
		return kept, nil
	}
	kept[step.LinkSecret] = fresh[step.LinkSecret] // they were made before there were links
	if text, err = json.MarshalIndent(kept, "", "  "); err != nil {
		return nil, err
	}
	return kept, writeFile(path, append(text, '\n'))
}
