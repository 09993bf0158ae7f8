// Package branding gives an instance its customer's look: images that are fetched from the customer's own site, judged, and put
// into the instance's Storage.
package branding

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/picture"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/provider/web"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/database"
	"github.com/project-gimbal/fleet/internal/steps/project"
)

// Deps is what these steps use.
type Deps struct {
	Web      *web.Client
	Storage  *supabase.Client
	database database.Deps
}

// Open makes the clients.
func Open(env step.Env) (Deps, error) {
	inside, err := database.Open(env)
	return Deps{web.New(env.Provider), supabase.New(env.Provider), inside}, err
}

// How long what is served may be kept by those who ask: an image's name changes with its content, the theme's doesn't.
const (
	forever = "public, max-age=31536000, immutable"
	briefly = "public, max-age=60"
)

const (
	themeType = "application/json"
	bucket    = "bucket" // the ledger's names of the assets, beside the images' uses
	theme     = "theme"
	// objectName is the attribute of an image's ledger entry that holds its name in the bucket.
	objectName = "object"
)

// Configure puts the customer's logo and favicon into the instance's Storage and makes its settings and its theme name them.
// A replay fetches again only what is not in the ledger yet, and what it writes it writes over what is there. An image that can't
// be had leaves the default look and an incident: no instance fails over one.
func Configure(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		if !run.Signup.Branding.HasImages() {
			return nil
		}
		at, err := d.open(ctx, run)
		if err != nil {
			return err
		}
		there, err := at.asset(ctx, bucket, nil, at.makeBucket)
		if err != nil || !there {
			return err
		}
		config := schema.Config{InstanceID: run.Instance.ID}
		if config.LogoURL, err = at.image(ctx, picture.Logo, run.Signup.Branding.LogoURL); err != nil {
			return err
		}
		if config.FaviconURL, err = at.image(ctx, picture.Favicon, run.Signup.Branding.FaviconURL); err != nil {
			return err
		}
		if config.LogoURL == "" && config.FaviconURL == "" {
			return nil
		}
		err = run.SeeTo(ctx, fleet.InstanceConfig, "branding", func(ctx context.Context) error {
			return d.database.In(ctx, run, func(db schema.Database, ctx context.Context) error { return db.WriteConfig(ctx, config) })
		})
		if err != nil {
			return err
		}
		_, err = at.asset(ctx, theme, nil, func(ctx context.Context) error { return at.writeTheme(ctx, config) })
		return err
	}
}

// storage is an instance's, for the time of one invocation.
type storage struct {
	Deps
	run *step.Run
	ref string
	key provider.Secret
}

func (d Deps) open(ctx context.Context, run *step.Run) (storage, error) {
	entry, err := project.Entry(ctx, run)
	if err != nil {
		return storage{}, err
	}
	key, err := run.Recall(ctx, fleet.ServiceKey)
	return storage{d, run, entry.ID, key}, err
}

// makeBucket makes the bucket, or gives one that an earlier attempt made its settings again.
func (s storage) makeBucket(ctx context.Context) error {
	wanted := supabase.Bucket{Name: fleet.BrandingBucket, MaxBytes: picture.MaxBytes, Types: append(picture.Types(), themeType)}
	err := s.Storage.CreateBucket(ctx, s.ref, s.key, wanted)
	if fault.Is(err, fault.Conflict) {
		return s.Storage.UpdateBucket(ctx, s.ref, s.key, wanted)
	}
	return err
}

// image sees to one image and gives where anybody can read it; empty if the customer named none, or none that can be had.
func (s storage) image(ctx context.Context, use picture.Use, address string) (string, error) {
	if address == "" {
		return "", nil
	}
	var object string
	there, err := s.asset(ctx, string(use), func() map[string]string { return map[string]string{objectName: object} },
		func(ctx context.Context) (err error) {
			object, err = s.take(ctx, use, address)
			return err
		})
	if err != nil || !there {
		return "", err
	}
	entry, err := s.run.Ledger(ctx, fleet.BrandingAsset, string(use))
	if err != nil {
		return "", err
	}
	return s.run.Provider.Endpoints.PublicFile(s.ref, fleet.BrandingBucket, entry.Attributes[objectName]), nil
}

// take fetches an image, judges it, and stores it under a name that changes with its content.
func (s storage) take(ctx context.Context, use picture.Use, address string) (object string, err error) {
	content, err := s.fetch(ctx, use, address)
	if err != nil {
		return "", err
	}
	found, err := picture.Check(content, use)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	object = string(use) + "-" + hex.EncodeToString(sum[:8]) + found.Extension
	err = s.Storage.UploadObject(ctx, s.ref, s.key, supabase.Object{Bucket: fleet.BrandingBucket, Path: object, Type: found.Type, Cache: forever, Content: content})
	if err != nil {
		return "", s.forgive(ctx, use, err)
	}
	s.run.Log.InfoContext(ctx, "image stored", "use", string(use), "type", found.Type, "width", found.Width, "height", found.Height, "bytes", len(content))
	return object, nil
}

// writeTheme writes the document from which the instance's pages know, before anybody has signed in, where the images are.
func (s storage) writeTheme(ctx context.Context, config schema.Config) error {
	document, err := json.Marshal(struct {
		Logo    string `json:"logo_url,omitempty"`
		Favicon string `json:"favicon_url,omitempty"`
	}{config.LogoURL, config.FaviconURL})
	if err != nil {
		return step.Unsent(err)
	}
	return s.Storage.UploadObject(ctx, s.ref, s.key, supabase.Object{Bucket: fleet.BrandingBucket, Path: fleet.BrandingTheme, Type: themeType, Cache: briefly, Content: document})
}
