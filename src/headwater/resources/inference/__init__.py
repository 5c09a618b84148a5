"""/v1/inference"""
