package twilio

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"sync"
	"time"

	messaging "github.com/twilio/twilio-go/rest/messaging/v1"
)

// Service is a Messaging Service of an account: what is done with messages, whichever of its numbers they come or go by. It is
// reached in the account's own name, as the parent's credentials don't reach it; so calls need the account with its token, and
// those for a closed one are refused with 401, as with a wrong token.
type Service struct {
	SID       string // MG and 32 hexadecimal digits
	Name      string // friendly name, at most 64 characters; not unique
	Callbacks Callbacks
	Created   time.Time
}

// Callbacks are the addresses that Twilio calls for a service's messages.
type Callbacks struct {
	Inbound string // for each message received; empty drops them
	Status  string // for each change of the delivery of one sent
	// NumbersOwn: the webhook of the number that received a message goes before Inbound.
	NumbersOwn bool
}

// FindServices gives an account's Messaging Services of exactly that friendly name. Twilio's list has no filter, so it reads all
// pages.
func (c *Client) FindServices(ctx context.Context, a Account, name string) ([]Service, error) {
	const operation = "ListServices"
	var found []Service
	err := turn(operation, url.Values{}, func(query url.Values) (next *string, err error) {
		err = c.message(ctx, operation, a, query, func(api *messaging.ApiService) error {
			list, err := api.PageService(nil, "", "")
			if err != nil {
				return err
			}
			if list.Services == nil {
				return errors.New("no services") // an answer without the list is not an empty list
			}
			for _, s := range list.Services {
				one, err := service(a, s)
				if err != nil {
					return err
				}
				if one.Name == name {
					found = append(found, one)
				}
			}
			next = list.Meta.NextPageUrl
			return nil
		})
		return next, err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// CreateService makes a Messaging Service for an account. Names are not unique and the call is not idempotent: look by
// FindServices before. QuotaExceeded means that the parent and all its subaccounts together may have no more.
func (c *Client) CreateService(ctx context.Context, a Account, name string, callbacks Callbacks) (Service, error) {
	const operation = "CreateService"
	var made Service
	err := c.message(ctx, operation, a, nil, func(api *messaging.ApiService) error {
		s, err := api.CreateService(new(messaging.CreateServiceParams).SetFriendlyName(name).SetInboundRequestUrl(callbacks.Inbound).
			SetStatusCallback(callbacks.Status).SetUseInboundWebhookOnNumber(callbacks.NumbersOwn))
		if err != nil {
			return err
		}
		made, err = service(a, *s)
		return err
	})
	if err != nil {
		return Service{}, err
	}
	return made, nil
}

// SetCallbacks writes a Messaging Service's callbacks over those that it has.
func (c *Client) SetCallbacks(ctx context.Context, a Account, sid string, callbacks Callbacks) error {
	const operation = "UpdateService"
	if !serviceSID().MatchString(sid) {
		return malformed(operation)
	}
	return c.message(ctx, operation, a, nil, func(api *messaging.ApiService) error {
		s, err := api.UpdateService(sid, new(messaging.UpdateServiceParams).SetInboundRequestUrl(callbacks.Inbound).
			SetStatusCallback(callbacks.Status).SetUseInboundWebhookOnNumber(callbacks.NumbersOwn))
		if err != nil {
			return err
		}
		if changed, err := service(a, *s); err != nil || changed.SID != sid || changed.Callbacks != callbacks {
			return errors.Join(errors.New("the service isn't shown with its new callbacks"), err)
		}
		return nil
	})
}

// DeleteService deletes an account's Messaging Service. One that is gone already is no failure.
func (c *Client) DeleteService(ctx context.Context, a Account, sid string) error {
	const operation = "DeleteService"
	if !serviceSID().MatchString(sid) {
		return malformed(operation)
	}
	err := c.message(ctx, operation, a, nil, func(api *messaging.ApiService) error { return api.DeleteService(sid) })
	if gone(err) {
		return nil
	}
	return err
}

// message makes one SDK call of the messaging API in an account's own name.
func (c *Client) message(ctx context.Context, operation string, a Account, query url.Values, do func(*messaging.ApiService) error) error {
	if !accountSID().MatchString(a.SID) {
		return malformed(operation)
	}
	one, err := c.open(ctx, operation, c.config.Endpoints.TwilioMessaging, a.SID, a.Token, query)
	if err != nil {
		return err
	}
	return translate(operation, do(messaging.NewApiServiceWithClient(one)))
}

var serviceSID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`) })

// service reads a service as Twilio shows it. Everything in the document is optional; Fleet can't do without these.
func service(of Account, s messaging.MessagingV1Service) (Service, error) {
	if !serviceSID().MatchString(deref(s.Sid)) || s.FriendlyName == nil || deref(s.AccountSid) != of.SID {
		return Service{}, errors.New("a service without SID, account or name")
	}
	out := Service{SID: *s.Sid, Name: *s.FriendlyName, Callbacks: Callbacks{Inbound: deref(s.InboundRequestUrl), Status: deref(s.StatusCallback),
		NumbersOwn: s.UseInboundWebhookOnNumber != nil && *s.UseInboundWebhookOnNumber}}
	if s.DateCreated != nil {
		out.Created = *s.DateCreated
	}
	return out, nil
}
