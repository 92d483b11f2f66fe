"""The inbox: webhooks of networks, received, made pseudonymous and kept until a load has carried them."""
