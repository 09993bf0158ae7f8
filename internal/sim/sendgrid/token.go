package sendgrid

// ChangeToken makes another key the parent's; the old one is refused from now on.
func (s *Sim) ChangeToken(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config.Key = key
}
