"""What tests of every group share: servers, databases, processes, connections that hinder."""
