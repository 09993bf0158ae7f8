package cloudflare

// ChangeToken makes another token the one that is accepted; the old one is refused from now on.
func (s *Sim) ChangeToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config.Token = token
}

func (s *Sim) token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config.Token
}
